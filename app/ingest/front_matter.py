"""YAML front matter: the lines between two rules of dashes at the very top of a Markdown file."""

import re
from collections.abc import Sequence

from app.bulletins.document import SERIES
from app.ingest.flow import TextLine

_LABELS = {"title": "标题", "标题": "标题", "date": "日期", "日期": "日期"}
_PAIR = re.compile(r"(?P<key>[^\W\d][\w .-]*?)\s*:(?:\s+(?P<value>.*))?")
_CONTINUED = re.compile(r"\s+\S.*|-\s.*|#.*")
_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_STRUCTURE = ("|", ">", "[", "{", "&", "*", "!")


def read_front_matter(lines: Sequence[str]) -> list[TextLine]:
    """One line of the flow for each line of the front matter; none where the file has no front matter.

    Title and date are labelled as a title block labels them; the two rules are blank; every other line
    is a list item, which a title block leaves unplaced.
    """
    if not lines or lines[0].rstrip() != "---":
        return []
    end = next((i for i, line in enumerate(lines[1:], start=1) if line.rstrip() in ("---", "...")), 0)
    inside = lines[1:end]
    if not inside or not _PAIR.fullmatch(inside[0].rstrip()) or not all(map(_is_yaml, inside)):
        return []
    read = [_line(line, number) for number, line in enumerate(inside, start=2)]
    return [TextLine("", 1), *read, TextLine("", end + 1)]


def _is_yaml(line: str) -> bool:
    return bool(_PAIR.fullmatch(line.rstrip()) or _CONTINUED.fullmatch(line))


def _line(line: str, number: int) -> TextLine:
    match = _PAIR.fullmatch(line.rstrip())
    label = _LABELS.get(match["key"].lower()) if match else None
    value = _scalar(match["value"] or "") if match else ""
    if not label or not value:
        return TextLine(line.strip(), number, item=True)
    return TextLine(value if value == SERIES else f"{label}：{value}", number)


def _scalar(value: str) -> str:
    """A plain or quoted value; empty for what goes on in other lines or is no scalar."""
    value = value.strip()
    if value[:1] in ("'", '"'):
        closing = value.find(value[0], 1)
        return value[1:closing].strip() if closing > 0 else ""
    return "" if value.startswith(_STRUCTURE) else _COMMENT.sub("", value)
