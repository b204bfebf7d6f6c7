"""An index: which keys are found under a value, as items come, change and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.kube.index import Index

NEWS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.none() | st.text("xyz", max_size=4)), max_size=30
)


@given(news=NEWS)
def test_it_finds_what_a_look_at_all_items_finds(news: list[tuple[str, str | None]]) -> None:
    index, held = Index[str](lambda item: item), dict[str, str]()
    for key, item in news:
        index.change(key, held.pop(key, None), item)
        if item is not None:
            held[key] = item

        for value in "xyz":
            expected = sorted(key for key, item in held.items() if value in item)
            assert sorted(index.keys(value)) == expected
    assert set(index._keys) == {value for item in held.values() for value in item}


def test_keys_are_in_the_order_in_which_they_came() -> None:
    index = Index[str](lambda item: item)
    for key in "bcad":
        index.change(key, None, "x")
    index.change("b", "x", "xy")
    index.change("c", "x", None)

    assert list(index.keys("x")) == ["b", "a", "d"]
