"""One line when the server stops to answer, and one when it is back."""

from __future__ import annotations

import pytest

from holdfast.kube.errors import Conflict, ServerUnavailable
from holdfast.kube.log_once import LogOnce
from tests.support import Clock

Lines = list[dict[str, object]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("holdfast.kube.log_once.time.monotonic", clock)
    return clock


def test_what_is_lost_is_said_once_and_its_return_with_how_long_it_was_away(
    clock: Clock, logged: Lines
) -> None:
    log_once = LogOnce("testing")
    log_once.available()
    for _ in range(3):
        clock.now += 2.0
        log_once.unavailable(ServerUnavailable("No answer."))
    clock.now += 1.26
    log_once.available()
    log_once.available()

    assert logged == [
        {
            "event": "API server lost",
            "log_level": "warning",
            "doing": "testing",
            "reason": "No answer.",
        },
        {"event": "API server back", "log_level": "info", "doing": "testing", "seconds": 7.3},
    ]


def test_a_server_never_reached_was_away_since_the_first_failure(
    clock: Clock, logged: Lines
) -> None:
    log_once = LogOnce("testing")
    log_once.unavailable(ServerUnavailable("No answer."))
    clock.now += 3.0
    log_once.available()

    assert [line.get("seconds") for line in logged] == [None, 3.0]


@pytest.mark.usefixtures("clock")
def test_a_refusal_is_told_from_silence_and_an_answer_alone_is_no_return(logged: Lines) -> None:
    log_once = LogOnce("testing")
    log_once.unavailable(Conflict(409, "Conflict", "Not now."))
    log_once.answered()
    log_once.unavailable(ServerUnavailable("No answer."))

    assert [line["event"] for line in logged] == ["API server refuses"]
