import pytest

from app.bulletins.document import Contact
from app.ingest.contacts import read_contacts
from app.ingest.flow import Element, TextLine


def contacts(*texts: str) -> tuple[list[Contact], list[Element]]:
    return read_contacts([TextLine(text, number) for number, text in enumerate(texts, start=1)])


def test_names_descriptions_and_addresses_of_one_contact_come_together() -> None:
    read, others = contacts(
        "甲会",
        "官方公众号",
        "",
        "乙网",
        "yi.cn",
        "甲会：说明一。",
        "乙网：说明二。",
        "网站地址： <https://yi.cn>",
    )
    assert read == [
        Contact(name="甲会", description="说明一。"),
        Contact(name="乙网", description="说明二。", url="https://yi.cn"),
    ]
    assert others == []


def test_a_bare_domain_gets_https_and_a_second_address_is_kept_apart() -> None:
    read, others = contacts("乙网：www.yi.cn/a", "官网：http://other.cn")
    assert read == [Contact(name="乙网", url="https://www.yi.cn/a")]
    assert [e.text for e in others if isinstance(e, TextLine)] == ["官网：http://other.cn"]


def test_telephone_mail_and_site_belong_to_the_contact_before_them() -> None:
    read, others = contacts(
        "甲会", "电话：010-12345678", "邮箱: a@b.cn", "网站：jia.cn", "甲会：说明一。", "乙网", "网站：见公告"
    )
    assert read == [
        Contact(name="甲会", description="说明一。电话：010-12345678；邮箱: a@b.cn", url="https://jia.cn"),
        Contact(name="乙网", description="网站：见公告"),
    ]
    assert others == []


def test_telephone_mail_and_site_without_a_contact_before_them_are_kept_apart() -> None:
    texts = ["电话：010-12345678", "邮箱: a@b.cn", "网站：jia.cn", "地址："]
    read, others = contacts(*texts)
    assert read == []
    assert [e.text for e in others if isinstance(e, TextLine)] == texts


def test_a_sentence_is_no_contact() -> None:
    _, others = contacts("欢迎来稿。")
    assert len(others) == 1


@pytest.mark.parametrize(
    ("line", "name", "description", "url"),
    [
        ("联系人：张三", "张三", "", None),
        ("联系人：张三 电话：010-12345678", "张三", "电话：010-12345678", None),
        ("联系人：张三 电话010-12345678", "张三", "电话010-12345678", None),
        ("联系人：张三（电话：010-1234）", "张三", "电话：010-1234", None),
        ("联系人: 张三 (010-1234)", "张三", "010-1234", None),
        ("联系人：张三 13800000000（微信同号）", "张三", "13800000000（微信同号）", None),
        ("联系人：张三，电话：1，邮箱：z@b.cn，网址：b.cn", "张三", "电话：1；邮箱：z@b.cn", "https://b.cn"),
        ("商务联系人：张三 z@b.cn https://b.cn/x", "张三", "z@b.cn", "https://b.cn/x"),
        ("联系人：张三（邮箱：z@b.cn；扫码添加）", "张三", "邮箱：z@b.cn；扫码添加", None),
        ("联系人：张三（微信二维码）", "张三", "", None),
        ("邮箱：z@b.cn 联系人：张三", "张三", "邮箱：z@b.cn", None),
        ("联系人：张三、李四", "张三、李四", "", None),
        ("Contact: Zhang San, tel: 010", "Zhang San", "tel: 010", None),
    ],
)
def test_a_person_is_named_by_the_name(line: str, name: str, description: str, url: str | None) -> None:
    assert contacts(line) == ([Contact(name=name, description=description, url=url)], [])


def test_what_follows_a_person_belongs_to_the_person() -> None:
    read, others = contacts(
        "甲会", "联系人：张三", "电话：010-1", "联系人：李四 电话：2 联系人：王五 电话：3"
    )
    assert read == [
        Contact(name="甲会"),
        Contact(name="张三", description="电话：010-1"),
        Contact(name="李四", description="电话：2"),
        Contact(name="王五", description="电话：3"),
    ]
    assert others == []


def test_a_person_without_a_name_is_kept_apart() -> None:
    for line in ("联系人：", "联系人：010-12345678"):
        read, others = contacts(line)
        assert (read, len(others)) == ([], 1)
