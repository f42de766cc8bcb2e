"""What else the words of a query are called: synonyms from the names and aliases of the tags."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.bulletins.models import Tag
from app.bulletins.taxonomy import TagKind
from app.search.text import compact, fold, has_chinese, query_words

_CALLED_ONLY = {TagKind.organisation, TagKind.person, TagKind.event}

_FINGERPRINT = text("""
SELECT md5(string_agg(concat_ws('|', slug, kind, name, name_en, aliases), ';' ORDER BY slug)) FROM tag
""")


@dataclass(frozen=True, slots=True)
class Name:
    """A name's ``others`` mean the same; ``wider`` are all its tag is called, for a name nobody uses."""

    others: tuple[str, ...]
    wider: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of all tags, folded, by their words; ``words`` are all words in them."""

    by_words: Mapping[tuple[str, ...], Name]
    words: frozenset[str]
    longest: int


_kept: dict[str, Names] = {}


async def tag_names(session: AsyncSession) -> Names:
    """The names that the tags have now; they are read again when a tag has changed."""
    fingerprint = str(await session.scalar(_FINGERPRINT))
    if fingerprint not in _kept:
        tags = await session.scalars(select(Tag))
        made = _names(tags.all())
        _kept.clear()
        _kept[fingerprint] = made
    return _kept[fingerprint]


def _names(tags: Sequence[Tag]) -> Names:
    by_words: dict[tuple[str, ...], Name] = {}
    for tag in tags:
        for called, name in _called(tag):
            words = tuple(query_words(called))
            # A name with a sign (人工智能+) leaves its words to the name that has none.
            if words not in by_words or compact(called) == "".join(words):
                by_words[words] = name
    return Names(
        by_words=by_words,
        words=frozenset(word for key in by_words for word in key),
        longest=max(map(len, by_words), default=0),
    )


def _called(tag: Tag) -> Iterator[tuple[str, Name]]:
    """Each name of a tag with the names that may stand for it.

    A tag's own name stands for all it is called. An alias is often narrower (光伏 is no other word
    for 可再生能源): it stands for the names in the other language, and where aliases are mere names,
    as those of organisations, for the tag's own.
    """
    own = list(dict.fromkeys(map(fold, (tag.name, tag.name_en))))
    aliases = [alias for alias in dict.fromkeys(map(fold, tag.aliases)) if alias not in own]
    everything = [*own, *aliases]
    for called in everything:
        wider = everything
        if called in own:
            others = everything
        elif any(map(str.isdigit, called)):
            others = wider = []  # C919 is no other word for aviation
        elif not has_chinese(called):
            others = [*filter(has_chinese, everything), *own]
        elif tag.kind in _CALLED_ONLY:
            others = own
        else:
            others = [alias for alias in aliases if not has_chinese(alias)]
            wider = [] if tag.kind == TagKind.region else everything
        yield called, Name(others=_without(called, others), wider=_without(called, wider))


def _without(name: str, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(other for other in dict.fromkeys(names) if other != name)
