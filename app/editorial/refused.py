"""Why content is not taken, moved or published, as editors read it."""

from collections.abc import Iterable

from app.bulletins.document import BulletinDocument


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """The content does not allow it. ``code`` is stable, ``message`` Chinese.

    ``more`` holds what else is missing, as pairs of code and message.
    """

    def __init__(self, code: str, message: str, more: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.more = more

    @property
    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Everything that is missing, this first."""
        return (self.code, self.message), *self.more


def date_published(slug: str, document: BulletinDocument) -> Refused:
    """Another date, or none, for the issue that was published as ``slug``."""
    found = document.slug if document.date else "空"
    return Refused(
        "date.published",
        f"这一期已按日期 {slug} 发布，日期不能再改（稿件里的日期是 {found}）；"
        f"要改日期，请先撤下 {slug} 期，再按新日期另建一期。",
    )


def undated() -> Refused:
    """A draft without a date, which no reader could ask for."""
    return Refused("date.missing", "没有日期，不能发布，也不能预览。")


def unknown_tags(*slugs: str) -> Refused:
    return Refused("tag.unknown", f"没有标签 {'、'.join(slugs)}。")


def with_errors(messages: Iterable[str]) -> Refused:
    """A draft whose report has errors."""
    return Refused("report.errors", f"有错误，请先改正：{'；'.join(messages)}")


NOT_PUBLIC = "not-public", "这一期没有公开的内容，无从撤下。"
NO_REASON = "note.missing", "请写明原因。"
"""Codes and messages that the workflow and the command line share."""
