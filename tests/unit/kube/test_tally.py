"""A tally: how many items have a value, as items come, change and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.kube.store import Store
from holdfast.kube.tally import Tally

NEWS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.none() | st.text("xyz", max_size=4)), max_size=30
)


@given(news=NEWS)
def test_it_counts_what_a_look_at_all_items_counts(news: list[tuple[str, str | None]]) -> None:
    tally, held = Tally[str](lambda item: item), dict[str, str]()
    for key, item in news:
        tally.change(key, held.pop(key, None), item)
        if item is not None:
            held[key] = item

        for value in "xyz":
            assert tally.count(value) == sum(value in item for item in held.values())


def test_a_store_counts_its_items_also_when_it_indexes_them_anew() -> None:
    suffix = ""
    store = Store[str](counted=lambda item: [item + suffix])
    store.apply("a", 1, "x")
    store.apply("b", 2, "x")
    store.apply("a", 3, None)
    assert store.count("x") == 1

    def change() -> None:
        nonlocal suffix
        suffix = "y"

    store.reindex(change)

    assert (store.count("x"), store.count("xy")) == (0, 1)
