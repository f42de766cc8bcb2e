"""Okapi BM25 over a few texts: how well each answers a question."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import log

from app.search.text import chinese_runs, is_chinese

_SATURATION = 1.2
_LENGTH = 0.75
_MOST_FEATURES = 400


def rarity(df: int, total: int) -> float:
    """The weight of a word that ``df`` of ``total`` texts have; never negative."""
    return log(1 + (max(total - df, 0) + 0.5) / (df + 0.5))


def scores(texts: Sequence[str], question: str, words: Mapping[str, float]) -> list[float]:
    """Each text's score from 0 to 1 for the question's ``words`` (with their rarity) and pairs of characters.

    Words are cut by a dictionary, which may cut question and text differently; pairs of neighbouring
    Chinese characters make up for that. How rare a pair is, is judged among the texts themselves.
    """
    features = dict(sorted(words.items(), key=lambda item: -item[1])[:_MOST_FEATURES])
    average = sum(map(len, texts)) / len(texts) if texts else 0
    counts = {word: _counts(word, texts) for word in features}
    for pair in list(_pairs(question))[:_MOST_FEATURES]:
        if pair not in features:
            counts[pair] = _counts(pair, texts)
            features[pair] = rarity(sum(count > 0 for count in counts[pair]), len(texts))
    best = sum(features.values()) * (_SATURATION + 1)
    found = [0.0] * len(texts)
    for feature, weight in features.items():
        for place, count in enumerate(counts[feature]):
            if count:
                damping = _SATURATION * (1 - _LENGTH + _LENGTH * len(texts[place]) / average)
                found[place] += weight * count * (_SATURATION + 1) / (count + damping)
    return [score / best for score in found] if best else found


def _pairs(question: str) -> dict[str, None]:
    """Neighbouring Chinese characters, each pair once."""
    return dict.fromkeys(run[at : at + 2] for run in chinese_runs(question) for at in range(len(run) - 1))


def _counts(feature: str, texts: Sequence[str]) -> list[int]:
    if is_chinese(feature):
        return [text.count(feature) for text in texts]
    whole = _whole(feature)
    return [len(whole.findall(text)) for text in texts]


@lru_cache(maxsize=1_000)
def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])")
