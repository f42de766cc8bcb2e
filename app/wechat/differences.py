"""What changed between two versions of a bulletin, in words for whoever mends the article by hand."""

from collections.abc import Iterator

from app.bulletins.diff import SectionChange, diff
from app.bulletins.document import BulletinDocument

_NAMES = {
    "series": "刊名",
    "title": "标题",
    "language": "语言",
    "organisation": "发布机构",
    "abstract": "摘要",
}


def differences(old: BulletinDocument, new: BulletinDocument) -> Iterator[str]:
    """Each part of the article that differs."""
    found = diff(old, new)
    others: dict[str, object] = {
        "日期": found.day,
        "出品": found.producers,
        "参考文献": found.citations,
        "联系方式": found.contacts,
    }
    changed = [_NAMES[change.field] for change in found.fields]
    yield from (f"{name}有改动" for name in (*changed, *(name for name in others if others[name])))
    for section in found.sections:
        yield from _section(section)


def _section(change: SectionChange) -> Iterator[str]:
    old, new = change.old, change.new
    if new is None:
        if old:
            yield f"删去原第 {old.number} 条“{old.heading}”"
        return
    name = f"第 {new.number} 条“{new.heading}”"
    if old is None:
        yield f"新增{name}"
        return
    if change.heading:
        yield f"{name}的标题有改动，原为“{old.heading}”"
    if old.number != new.number:
        yield f"{name}原是第 {old.number} 条"
    if change.body:
        yield f"{name}的正文有改动"
    if change.tags:
        yield f"{name}的标签有改动"
