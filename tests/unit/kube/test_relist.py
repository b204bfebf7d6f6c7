"""A list that is taken page by page: what it changes, and what is later than it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.kube.relist import Relist
from holdfast.kube.store import Store

Items = dict[str, tuple[int, str]]


def store_of(**items: tuple[int, str]) -> Store[str]:
    store = Store[str]({"letter": lambda item: item})
    for key, (version, item) in items.items():
        store.apply(key, version, item)
    return store


def taken(store: Store[str], items: Items, *, version: int | None = None) -> set[str]:
    """The keys that a list changes."""
    relist = Relist(store, version)
    changed = {key for key, (at, item) in items.items() if relist.take(key, at, item)}
    return changed | set(relist.end())


def test_a_list_tells_what_it_added_changed_and_removed() -> None:
    store = store_of(same=(1, "x"), changed=(2, "x"), gone=(3, "x"))

    changed = taken(store, {"same": (1, "x"), "changed": (4, "y"), "new": (5, "z")}, version=6)

    assert changed == {"changed", "gone", "new"}
    assert sorted(store.values()) == ["x", "y", "z"]
    assert list(store.by("letter", "y")) == ["y"]


def test_what_is_held_already_need_not_be_taken() -> None:
    store = store_of(same=(1, "x"), older=(1, "x"))
    relist = Relist(store, 6)

    assert relist.is_held("same", 1)
    assert not relist.is_held("older", 2)
    assert not relist.is_held("new", 1)
    assert relist.end() == ["older"]


def test_nothing_is_gone_before_the_last_page() -> None:
    store = store_of(a=(1, "x"), b=(2, "x"))
    relist = Relist(store, 6)

    assert relist.take("c", 3, "x")

    assert sorted(store.keys()) == ["a", "b", "c"]


def test_a_list_that_broke_off_does_not_hinder_the_next() -> None:
    store = store_of(a=(1, "x"), b=(2, "x"))
    Relist(store, 6).take("a", 4, "y")

    assert taken(store, {"a": (4, "y"), "c": (7, "z")}, version=8) == {"b", "c"}


def test_what_happened_after_a_list_was_taken_outlives_the_list() -> None:
    store = store_of(own=(8, "x"), ended=(4, "x"), old=(3, "x"))
    store.apply("ended", 9, None)

    changed = taken(store, {"ended": (4, "x"), "old": (3, "x")}, version=7)

    assert changed == set()
    assert sorted(store.keys()) == ["old", "own"]


def test_what_happens_between_two_pages_outlives_the_list() -> None:
    store = store_of(changed=(1, "x"), ended=(2, "x"), unlisted=(3, "x"))
    relist = Relist(store, 7)
    store.apply("changed", 8, "y")
    store.apply("ended", 9, None)
    store.apply("unlisted", 10, "y")
    store.apply("new", 11, "y")

    assert not relist.take("changed", 1, "x")
    assert not relist.take("ended", 2, "x")

    assert relist.end() == []
    assert sorted(store.keys()) == ["changed", "new", "unlisted"]
    assert set(store.values()) == {"y"}


def test_what_a_list_of_its_very_version_does_not_hold_is_gone() -> None:
    store = store_of(a=(7, "x"))

    assert taken(store, {}, version=7) == {"a"}
    assert store.get("a") is None


def test_what_a_list_removed_does_not_come_back_by_a_late_answer() -> None:
    store = store_of(a=(3, "x"))
    taken(store, {}, version=7)

    assert not store.apply("a", 4, "y")


def test_an_answer_that_is_older_than_a_list_brings_nothing_back_that_it_does_not_hold() -> None:
    """The answer to a POST that comes after a list that was taken when the object was gone."""
    store = store_of()
    relist = Relist(store, 7)
    assert not store.apply("before its end", 6, "x")
    relist.end()

    assert not store.apply("after its end", 7, "x")
    assert store.values() == []
    assert store.apply("new", 8, "x")


def test_what_an_answer_told_too_early_is_taken_from_its_page() -> None:
    store = store_of()
    relist = Relist(store, 7)
    store.apply("a", 6, "x")

    assert relist.take("a", 6, "x")
    assert relist.end() == []
    assert store.apply("a", 7, "y")


def test_a_list_of_an_earlier_history_lets_its_news_in() -> None:
    store = store_of()
    taken(store, {}, version=100)
    taken(store, {})

    assert store.apply("a", 11, "x")


def test_a_list_without_version_is_the_whole_truth_also_when_its_versions_are_lower() -> None:
    store = store_of(kept=(100, "x"), ghost=(101, "x"), ended=(90, "x"))
    store.apply("ended", 102, None)

    changed = taken(store, {"kept": (10, "y"), "ended": (11, "y")})

    assert changed == {"kept", "ghost", "ended"}
    assert sorted(store.keys()) == ["ended", "kept"]
    assert store.apply("kept", 12, "z")
    assert store.apply("ghost", 13, "z")


NUMBERS = st.integers(0, 9)
ITEMS = st.dictionaries(st.sampled_from("abcde"), st.tuples(NUMBERS, st.sampled_from("xyz")))


@given(held=ITEMS, listed=ITEMS, version=st.none() | NUMBERS)
def test_a_list_and_what_is_later_than_it_is_all_that_is_held_afterwards(
    held: Items, listed: Items, version: int | None
) -> None:
    store = store_of(**held)

    changed = taken(store, listed, version=version)

    later = {key: one for key, one in held.items() if version is not None and one[0] > version}
    same = {key: one for key, one in held.items() if listed.get(key, (None,))[0] == one[0]}
    expected = listed | same | later
    assert {key: store.get(key) for key in "abcde"} == {
        key: expected[key][1] if key in expected else None for key in "abcde"
    }
    assert changed == {
        key for key in held.keys() | listed.keys() if expected.get(key) != held.get(key)
    }
