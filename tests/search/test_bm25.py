import pytest

from app.search.bm25 import rarity, scores


def test_rare_words_weigh_more_and_no_weight_is_negative() -> None:
    assert rarity(1, 100) > rarity(50, 100) > rarity(100, 100) > 0
    assert rarity(200, 100) > 0


def test_the_text_with_the_rarer_words_scores_higher_and_all_scores_are_within_one() -> None:
    texts = ["软银投资机器人", "软银公布业绩", "无关的一段话"]

    found = scores(texts, "软银的机器人", {"软银": 1.0, "机器人": 2.0})

    assert found[0] > found[1] > found[2] == 0
    assert all(0 <= score <= 1 for score in found)


def test_the_same_words_in_a_shorter_text_score_higher() -> None:
    short, long = scores(["算力紧张", "算力紧张" + "说了许多别的事情" * 20], "算力紧张", {"算力": 1.0})

    assert short > long


def test_words_that_a_dictionary_cuts_otherwise_are_found_by_their_pairs_of_characters() -> None:
    with_it, without = scores(["海辰储能交付", "完全不同"], "海辰储能", {})

    assert with_it > without == 0


def test_latin_words_are_counted_whole() -> None:
    whole, inside = scores(["the ai plant", "aid for mumbai"], "ai", {"ai": 1.0})

    assert whole > 0
    assert inside == 0


@pytest.mark.parametrize("texts", [[], ["", ""]])
def test_nothing_to_rank_gives_no_scores(texts: list[str]) -> None:
    assert scores(texts, "算力", {"算力": 1.0}) == [0.0] * len(texts)
