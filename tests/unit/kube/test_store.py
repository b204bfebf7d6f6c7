"""The store never goes back in time, and its indexes always agree with its items."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.kube import store as module
from holdfast.kube.store import Store

KEYS = st.sampled_from("abc")
NEWS = st.lists(st.tuples(KEYS, st.sampled_from(["x", "y", None])), max_size=20)


def store_of(**items: tuple[int, str]) -> Store[str]:
    store = Store[str]({"letter": lambda item: item})
    for key, (version, item) in items.items():
        store.apply(key, version, item)
    return store


def test_an_item_is_found_by_key_and_by_every_value_of_its_index() -> None:
    store = store_of(b=(1, "xy"), a=(2, "x"))

    assert store.get("b") == "xy"
    assert list(store.by("letter", "x")) == ["xy", "x"]
    assert list(store.by("letter", "y")) == ["xy"]
    assert sorted(store.keys()) == ["a", "b"]
    assert sorted(store.values()) == ["x", "xy"]


def test_a_changed_item_is_no_longer_found_by_its_old_value() -> None:
    store = store_of(a=(1, "x"))

    assert store.apply("a", 2, "y")

    assert list(store.by("letter", "x")) == []
    assert list(store.by("letter", "y")) == ["y"]


def test_an_index_that_is_not_there_is_an_error_and_not_an_empty_answer() -> None:
    with pytest.raises(KeyError):
        store_of().by("colour", "red")


@pytest.mark.parametrize("version", [4, 5])
def test_news_that_is_not_newer_is_refused(version: int) -> None:
    store = store_of(a=(5, "x"))

    assert not store.apply("a", version, "y")
    assert not store.apply("a", version, None)
    assert store.get("a") == "x"


def test_the_late_answer_to_our_own_write_does_not_raise_the_dead() -> None:
    store = store_of(a=(5, "x"))
    store.apply("a", 7, None)

    assert not store.apply("a", 6, "x")
    assert store.get("a") is None
    assert store.apply("a", 8, "z")


def test_the_end_of_what_is_not_held_is_no_news() -> None:
    assert not store_of().apply("a", 5, None)


def test_the_end_of_what_was_never_held_leaves_no_trace() -> None:
    store = store_of()
    store.apply("a", 5, None)

    assert store.apply("a", 4, "x")


def test_a_second_end_of_a_key_is_remembered_at_its_version() -> None:
    store = store_of(a=(5, "x"))
    store.apply("a", 7, None)

    assert not store.apply("a", 9, None)
    assert not store.apply("a", 8, "late")


def test_removals_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED_REMOVALS", 2)
    store = store_of(a=(1, "x"), b=(2, "x"), c=(3, "x"))
    for version, key in enumerate("abc", 4):
        store.apply(key, version, None)

    assert [store.apply(key, 3, "late") for key in "abc"] == [True, False, False]


def test_an_item_that_changes_keeps_its_place_in_the_index() -> None:
    store = store_of(a=(1, "x"), b=(2, "x"))

    store.apply("a", 3, "xz")

    assert list(store.by("letter", "x")) == ["xz", "x"]


def test_the_index_is_read_as_far_as_it_is_looked_at() -> None:
    """So what the first few cost does not grow with how many there are."""
    store = Store[str]({"all": lambda _: ["here"]})
    for number in range(100):
        store.apply(f"{number}", number, f"item {number}")
    found = store.by("all", "here")
    first = next(found)

    for number in range(100):
        store.apply(f"{number}", 100 + number, None)

    assert first == "item 0"
    assert len(list(found)) < 10


def test_what_is_found_while_others_come_and_go_is_whole_and_nothing_twice() -> None:
    store = Store[str]({"all": lambda _: ["here"]})
    for number in range(20):
        store.apply(f"{number}", number, f"item {number}")
    found = store.by("all", "here")
    first = [next(found) for _ in range(5)]

    store.apply("0", 100, None)
    store.apply("1", 101, "item 1 again")
    store.apply("new", 102, "item new")

    assert [*first, *found] == [*(f"item {number}" for number in range(20)), "item new"]


@given(news=NEWS, data=st.data())
def test_in_whatever_order_news_arrive_the_newest_of_each_held_key_wins(
    news: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    """Removals of a key that was never seen leave no trace, so they are not reordered here."""
    store = store_of(a=(0, "x"), b=(0, "x"), c=(0, "x"))
    numbered = [(key, version, item) for version, (key, item) in enumerate(news, 1)]

    for key, version, item in data.draw(st.permutations(numbered)):
        store.apply(key, version, item)

    newest: dict[str, str | None] = {"a": "x", "b": "x", "c": "x", **dict(news)}
    assert {key: store.get(key) for key in "abc"} == newest
    for letter in "xy":
        assert len(list(store.by("letter", letter))) == list(newest.values()).count(letter)


def test_what_changes_in_nothing_that_it_is_indexed_by_is_not_indexed_anew() -> None:
    asked = list[str]()

    def letters(item: str) -> str:
        asked.append(item)
        return item[0]

    store = Store[str]({"letter": letters}, indexed_by=lambda item: item[0])
    store.apply("a", 1, "x1")

    store.apply("a", 2, "x2")
    assert asked == ["x1"]
    assert list(store.by("letter", "x")) == ["x2"]

    store.apply("a", 3, "y2")
    assert list(store.by("letter", "x")) == []
    assert list(store.by("letter", "y")) == ["y2"]
