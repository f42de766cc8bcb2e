"""Fields that stand on one line between ``|`` or ``｜``."""

import re

_BAR = re.compile(r"(?<!\\)(\\*)([|｜])")


def split_fields(line: str, separators: str = "|｜") -> list[str]:
    r"""The fields of a line without outer white space.

    ``\|`` is a bar inside a field; backslashes before a bar come in pairs, others stand for
    themselves.
    """
    fields, start, kept = [], 0, ""
    for match in _BAR.finditer(line):
        backslashes, bar = len(match[1]), match[2]
        if bar not in separators:
            continue
        kept += line[start : match.start()] + "\\" * (backslashes // 2)
        start = match.end()
        if backslashes % 2:
            kept += bar
        else:
            fields.append(kept.strip())
            kept = ""
    return [*fields, (kept + line[start:]).strip()]


def has_fields(line: str) -> bool:
    return len(split_fields(line)) > 1
