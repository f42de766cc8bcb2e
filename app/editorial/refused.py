"""Why content is not taken, moved or published, as editors read it."""


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
