"""What changed between two versions of a bulletin, in words for whoever mends the article by hand."""

from collections.abc import Iterator

from app.bulletins.document import BulletinDocument, Section

_NAMES = {
    "series": "刊名",
    "title": "标题",
    "date": "日期",
    "organisation": "发布机构",
    "producers": "出品",
    "abstract": "摘要",
    "citations": "参考文献",
    "contacts": "联系方式",
}


def differences(old: BulletinDocument, new: BulletinDocument) -> Iterator[str]:
    """Each part of the article that differs."""
    for name, label in _NAMES.items():
        if getattr(old, name) != getattr(new, name):
            yield f"{label}有改动"
    before = {section.heading: section for section in old.sections}
    after = {section.heading for section in new.sections}
    gone = {section.number: section for section in old.sections if section.heading not in after}
    for section in new.sections:
        former = before.get(section.heading) or gone.pop(section.number, None)
        yield from _section(former, section)
    for section in gone.values():
        yield f"删去原第 {section.number} 条“{section.heading}”"


def _section(old: Section | None, new: Section) -> Iterator[str]:
    name = f"第 {new.number} 条“{new.heading}”"
    if old is None:
        yield f"新增{name}"
        return
    if old.heading != new.heading:
        yield f"{name}的标题有改动，原为“{old.heading}”"
    if old.number != new.number:
        yield f"{name}原是第 {old.number} 条"
    if old.body != new.body:
        yield f"{name}的正文有改动"
    if [tag.slug for tag in old.tags] != [tag.slug for tag in new.tags]:
        yield f"{name}的标签有改动"
