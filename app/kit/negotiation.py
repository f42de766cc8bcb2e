"""Which of several media types a request asks for (RFC 9110 §12.5.1)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_RANGE = re.compile(
    r"""\s*(?P<type>[\w!#$%&'*+.^`|~-]+)/(?P<subtype>[\w!#$%&'*+.^`|~-]+)\s*
        (?P<parameters>(?:;\s*[\w!#$%&'*+.^`|~-]+\s*=\s*(?:"[^"]*"|[\w!#$%&'*+.^`|~-]+)\s*)*);?\s*""",
    re.VERBOSE | re.ASCII,
)
_WEIGHT = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?", re.ASCII)
_PARAMETER = re.compile(r";\s*([^\s=;]+)\s*=\s*(\"[^\"]*\"|[^\s;]+)")
_PART = re.compile(r'(?:[^",]|"[^"]*")+')


class _Range(NamedTuple):
    """A media range such as ``text/*``; ``parameters`` are those that narrow it."""

    type: str
    subtype: str
    parameters: frozenset[tuple[str, str]]
    weight: float

    def precision(self, media_type: str) -> int | None:
        """How exactly it names the media type; None when it does not."""
        main, _, sub = media_type.partition("/")
        if self.parameters or self.type not in {"*", main} or self.subtype not in {"*", sub}:
            return None
        return (self.type != "*") + (self.subtype != "*")


def negotiate(accept: str | None, offered: Sequence[str]) -> str | None:
    """The media type to answer with: the best liked, of equals the first offered; None if none will do.

    Each offered type gets the weight of the range that names it most exactly. Without ``Accept``, or
    with nothing legible in it, anything will do. Text is offered in UTF-8; a range that asks for another
    parameter, such as ``level=1``, names nothing here.
    """
    ranges = [found for part in _PART.findall(accept or "") if (found := _parse(part))]
    if not ranges:
        return offered[0]
    weights = {media_type: _weight(ranges, media_type) for media_type in offered}
    best = max(offered, key=weights.__getitem__)
    return best if weights[best] > 0 else None


def _weight(ranges: Sequence[_Range], media_type: str) -> float:
    named = [(exact, each.weight) for each in ranges if (exact := each.precision(media_type)) is not None]
    return max(named)[1] if named else 0.0


def _parse(part: str) -> _Range | None:
    found = _RANGE.fullmatch(part.lower())
    if found is None:
        return None
    parameters = {name: value.strip('"') for name, value in _PARAMETER.findall(found["parameters"])}
    weight = parameters.pop("q", "1")
    if not _WEIGHT.fullmatch(weight):
        return None
    if parameters.get("charset") in {"utf-8", "utf8"}:
        del parameters["charset"]
    return _Range(found["type"], found["subtype"], frozenset(parameters.items()), float(weight))
