import asyncio

import pytest

from app.kit.front_answer import Answer
from app.kit.front_load import Load
from app.kit.front_store import Store
from tests.kit.toy import Clock, listening

Key = tuple[str, str]


def answer(*names: str, now: float = 1_000.0, lifetime: float = 60, body: bytes = b"x") -> Answer:
    return Answer(200, [], body, keys=frozenset(names or {"a"}), lifetime=lifetime, now=now)


def put(store: Store, path: str, found: Answer | None = None, began: int | None = None) -> None:
    store.put((path, ""), found or answer(), store.clock if began is None else began)


def get(store: Store, path: str, now: float = 1_000.0) -> Answer | None:
    return store.fresh((path, ""), (path, b""), now)


def test_an_answer_is_fresh_until_its_lifetime_ends() -> None:
    store = listening()
    put(store, "/a")
    assert get(store, "/a", 1_059.9) is not None
    assert get(store, "/a", 1_060.0) is None


def test_a_change_drops_what_has_its_key_and_nothing_else() -> None:
    store = listening()
    put(store, "/a", answer("a", "list"))
    put(store, "/b", answer("b", "list"))
    put(store, "/c", answer("c"))
    store.drop(["a", "unknown"])
    assert [path for path in ("/a", "/b", "/c") if get(store, path)] == ["/b", "/c"]
    store.drop(["list"])
    assert [path for path in ("/a", "/b", "/c") if get(store, path)] == ["/c"]


def test_what_is_dropped_is_not_hot_any_more() -> None:
    store = listening()
    put(store, "/a")
    get(store, "/a")
    assert ("/a", b"") in store.hot
    store.drop(["a"])
    assert store.hot == {}


def test_a_load_that_began_before_a_change_of_its_keys_is_not_kept() -> None:
    store = listening()
    began = store.clock
    store.drop(["a"])
    put(store, "/a", answer("a", "b"), began)
    assert get(store, "/a") is None
    put(store, "/a", answer("a", "b"))
    assert get(store, "/a") is not None


def test_a_load_is_kept_when_only_other_keys_changed_meanwhile() -> None:
    store = listening()
    began = store.clock
    store.drop(["b"])
    put(store, "/a", answer("a"), began)
    assert get(store, "/a") is not None


def test_a_load_that_began_before_everything_was_dropped_is_not_kept() -> None:
    store = listening()
    began = store.clock
    store.clear()
    put(store, "/a", answer(), began)
    assert get(store, "/a") is None


def test_the_memory_of_changes_is_bounded_and_forgets_on_the_safe_side() -> None:
    store = listening()
    began = store.clock
    store.drop(["a"])
    store.drop(f"k{number}" for number in range(20_000))
    store.drop(["other"])
    assert len(store._moved) < 20_000
    put(store, "/a", answer("a"), began)
    assert get(store, "/a") is None
    put(store, "/a", answer("a"))
    assert get(store, "/a") is not None


def test_a_deaf_store_has_nothing_fresh_and_forgets_all_when_it_hears_again() -> None:
    store = Store()
    put(store, "/a")
    assert get(store, "/a") is None
    store.listen()
    assert store.count == 0
    put(store, "/a")
    assert get(store, "/a") is not None
    store.lose()
    assert get(store, "/a") is None
    assert store.hot == {}
    store.listen()
    assert (get(store, "/a"), store.count, store.size) == (None, 0, 0)


def test_the_last_answer_lasts_as_long_after_its_end_as_patience_does(clock: Clock) -> None:
    store = listening()
    put(store, "/a")
    key = ("/a", "")
    assert store.last(key, 1_069.9, 10) is not None
    assert store.last(key, 1_070.0, 10) is None
    clock.now = 1_020.0
    store.lose()
    assert store.last(key, 1_029.9, 10) is not None
    assert store.last(key, 1_030.0, 10) is None
    put(store, "/a", answer(now=1_040.0))
    assert store.last(key, 1_049.9, 10) is not None, "loaded while deaf: true at that moment"
    assert store.last(key, 1_050.0, 10) is None
    assert store.last(("/b", ""), 1_000.0, 10) is None


def test_memory_is_bounded_by_bytes_and_the_least_recently_used_go_first() -> None:
    store = listening(1_000_000)
    put(store, "/hot", answer(body=b"x" * 10_000))
    for number in range(1_000):
        put(store, f"/{number}", answer(f"k{number}", body=b"x" * 10_000))
        assert get(store, "/hot") is not None
        assert store.size <= 1_000_000
    assert 50 < store.count < 100
    assert get(store, "/0") is None
    assert get(store, "/999") is not None
    assert len(store._holders) == store.count
    assert len(store.hot) == 2


def test_forms_that_are_made_later_count_too() -> None:
    store = listening(1_000_000)
    for number in range(60):
        made = answer(body=b"%d" % number * 5_000)
        put(store, f"/{number}", made)
        made.reply({b"accept-encoding": b"gzip"})
        made.reply({b"accept-encoding": b"zstd"})
    assert store.size == sum(found.size for found in store._answers.values()) <= 1_000_000


def test_one_answer_is_found_by_a_few_spellings_only() -> None:
    store = listening()
    put(store, "/a")
    for number in range(100):
        assert store.fresh(("/a", ""), ("/a", b"%d" % number), 1_000.0) is not None
    assert len(store.hot) < 10
    put(store, "/a")
    assert store.hot == {}


def load(store: Store) -> Load:
    return Load(store.clock, store.biggest, frozenset(), lambda _: None)


def outcome(store: Store, key: Key, result: Answer | Exception | None) -> None:
    """Let a load of the key end."""

    async def run() -> None:
        ended = load(store)
        store.loads[key] = ended
        if isinstance(result, Exception):
            ended.outcome.set_exception(result)
        else:
            ended.outcome.set_result(result)
        store.land(key, ended)

    asyncio.run(run())


def test_a_load_that_ends_is_no_longer_joined_and_its_answer_is_kept() -> None:
    store = listening()
    outcome(store, ("/a", ""), answer())
    assert store.loads == {}
    assert get(store, "/a") is not None


def test_a_load_that_ends_leaves_the_younger_one_of_its_key() -> None:
    async def run() -> None:
        store = listening()
        older, younger = load(store), load(store)
        store.loads["/a", ""] = younger
        older.outcome.set_result(answer())
        store.land(("/a", ""), older)
        assert store.loads == {("/a", ""): younger}

    asyncio.run(run())


@pytest.mark.parametrize("result", [None, ZeroDivisionError()])
def test_what_is_not_for_all_passes_until_something_changes(result: Exception | None) -> None:
    store = listening()
    key = ("/a", "")
    outcome(store, key, result)
    assert store.passes(key) is (result is None), "a failure says nothing about the answer"
    assert not store.passes(("/b", ""))
    store.drop(["anything"])
    assert not store.passes(key)


def test_the_memory_of_what_passes_is_bounded() -> None:
    store = listening()
    for number in range(5_000):
        outcome(store, (f"/{number}", ""), None)
    assert len(store._passing) <= 4_096
