"""Markdown into a flow, by CommonMark's rules with tables; raw HTML stays text."""

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from app.ingest.flow import Element, Flow, Picture, TableRows, TextLine
from app.ingest.front_matter import read_front_matter
from app.ingest.lines import joined
from app.ingest.report import Finding, Position
from app.ingest.text import is_indented, split_lines, suspicious, visible


def read_markdown(text: str) -> Flow:
    """Markdown with any line ends as a flow.

    Emphasis goes, its words stay. A link keeps its address behind its words as ``<https://…>``,
    unless it points into the document. A line of a paragraph is a line of the flow; the break behind
    it is soft. Nested list items follow the ones above them. A paragraph that begins with two
    full-width blanks is indented. A table whose header is empty has none. Of YAML front matter, title
    and date become labelled lines, every other line a list item before the text.
    """
    findings: list[Finding] = []
    lines: list[str] = []
    for number, typed in enumerate(split_lines(text.replace("\f", "\n")), start=1):
        raw, removed = visible(typed)
        if removed:
            findings.append(suspicious(removed, Position(line=number)))
        lines.append(raw)
    front = read_front_matter(lines)
    body = [""] * len(front) + lines[len(front) :]
    tree = SyntaxTreeNode(_parser().parse("\n".join(body)))
    return Flow([*front, *(element for node in tree.children for element in _block(node, body))], findings)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("reference")
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    return parser


def _block(node: SyntaxTreeNode, lines: list[str], item: SyntaxTreeNode | None = None) -> Iterator[Element]:
    """A block's elements with a blank line behind it; ``item`` is the list that it stands in."""
    match node.type:
        case "heading" | "paragraph" if node.type == "heading" or item:
            yield from _one_line(node, item)
        case "paragraph":
            yield from _paragraph(node, lines)
        case "table":
            yield _table(node)
        case "code_block" | "fence":
            for offset, text in enumerate(node.content.splitlines()):
                yield TextLine(text.strip(), _line(node) + offset)
        case _:
            inside = node if node.type in ("bullet_list", "ordered_list") else item
            for child in node.children:
                yield from _block(child, lines, inside)
    if item is None:
        yield TextLine("", node.map[1] if node.map else 1, closing=True)


def _line(node: SyntaxTreeNode) -> int:
    return node.map[0] + 1 if node.map else 1


def _table(node: SyntaxTreeNode) -> TableRows:
    rows = [
        tuple("".join(_words(_inline(cell.children[0], _line(node)))) for cell in row.children)
        for part in node.children
        for row in part.children
    ]
    header = any(rows[0]) or len(rows) == 1
    return TableRows(tuple(rows if header else rows[1:]), header, _line(node))


def _one_line(node: SyntaxTreeNode, item: SyntaxTreeNode | None) -> Iterator[Element]:
    """A heading or a list item, whose line breaks mean nothing."""
    parts = list(_inline(node.children[0], _line(node)))
    text = joined(*(part for part in parts if isinstance(part, str)))
    if text:
        yield TextLine(
            text,
            _line(node),
            heading=int(node.tag[1:]) if node.type == "heading" else None,
            item=item is not None,
            ordered=item is not None and item.type == "ordered_list",
        )
    yield from (part for part in parts if isinstance(part, Picture))


def _paragraph(node: SyntaxTreeNode, lines: list[str]) -> Iterator[Element]:
    parts = list(_inline(node.children[0], _line(node)))
    number, end = _line(node), node.map[1] if node.map else 1
    for part in parts:
        if isinstance(part, Picture):
            yield part
            continue
        if part:
            yield TextLine(part, number, indented=is_indented(lines[number - 1]), soft=number < end)
        number += 1


def _words(parts: Iterator[str | Picture]) -> Iterator[str]:
    """Parts of a table's cell as words, a picture as its description."""
    for part in parts:
        yield part if isinstance(part, str) else part.alt


def _inline(node: SyntaxTreeNode, line: int) -> Iterator[str | Picture]:
    """The lines of a block, with its pictures where they stand."""
    text = ""
    for child in node.children:
        match child.type:
            case "softbreak" | "hardbreak":
                yield text.strip()
                text = ""
            case "image" if source := visible(str(child.attrs["src"]))[0].strip():
                yield Picture(source, "".join(_words(_inline(child, line))), line)
            case "text" | "code_inline":
                text += visible(child.content)[0]  # an entity may stand for a control character
            case _:  # emphasis, links, and images without an address
                *before, last = _inline(child, line)
                for part in before:
                    yield f"{text}{part}" if isinstance(part, str) else part
                    text = "" if isinstance(part, str) else text
                text += f"{last}{_address(child, str(last))}"
    yield text.strip()


def _address(node: SyntaxTreeNode, words: str) -> str:
    """Where a link leads, unless its words say it or it stays in the document."""
    link = str(node.attrs.get("href", ""))
    shown = not link or link.startswith("#") or link in (words, f"mailto:{words}")
    return "" if shown else f" <{link}>"
