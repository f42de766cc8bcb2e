"""Chinese as it is spelt in Latin letters.

pypinyin takes 55 MB: a process that only reads never needs it, so it is imported at its first use.
"""


def syllables(text: str) -> list[str]:
    """One for each Chinese character, without tone; what lies between them stays in one piece."""
    from pypinyin import lazy_pinyin

    return lazy_pinyin(text)


def initials(text: str) -> list[str]:
    """The first letter of each of its :func:`syllables`."""
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(text, Style.FIRST_LETTER)


def by_character(text: str) -> list[str]:
    """One for each character: its syllable, or itself where it has none."""
    if text.isascii():
        return list(text)
    from pypinyin import lazy_pinyin

    return lazy_pinyin(text, errors=list)  # type: ignore[arg-type]  # lists are allowed, see its manual
