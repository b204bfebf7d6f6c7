"""Waits between tries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.kube.backoff import Backoff


def test_without_chance_the_wait_doubles_up_to_the_maximum_and_starts_anew_after_a_reset() -> None:
    backoff = Backoff(1.0, 5.0, jitter=0.0)

    assert [backoff.next() for _ in range(4)] == [1.0, 2.0, 4.0, 5.0]

    backoff.reset()
    assert backoff.next() == 1.0


@given(jitter=st.floats(0.0, 1.0), tries=st.integers(1, 2000))
def test_no_wait_is_longer_than_the_maximum_however_many_failures(
    jitter: float, tries: int
) -> None:
    backoff = Backoff(0.8, 30.0, jitter=jitter)

    waits = [backoff.next() for _ in range(tries)]

    assert all(0.0 <= wait <= 30.0 for wait in waits)


def test_two_callers_do_not_wait_equally_long() -> None:
    assert len({Backoff(1.0, 5.0).next() for _ in range(20)}) > 1
