"""Logs: JSON lines for a machine, text for a person, on standard error."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from datetime import date
from logging.handlers import BufferingHandler

import pytest

from holdfast.cli import logs
from holdfast.log import Logger
from tests.logged import captured_logs

LOG = Logger("holdfast.somewhere")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Other tests log as they are used to."""
    with captured_logs():
        yield


@pytest.fixture
def of_others() -> Iterator[logging.Handler]:
    """A library has set the root of all loggers up."""
    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def logged(capsys: pytest.CaptureFixture[str]) -> str:
    """What is on standard error, with times and colours as a person could type them."""
    err = capsys.readouterr().err.replace("\x1b", "~")
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME", err)


def test_json_is_a_line_with_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")

    LOG.warning("volume not made", claim="shop/data", size=1, when=date(2026, 1, 2))

    assert logged(capsys) == (
        '{"claim": "shop/data", "size": 1, "when": "datetime.date(2026, 1, 2)", '
        '"event": "volume not made", "level": "warning", "timestamp": "TIME"}\n'
    )


def test_a_traceback_stays_within_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")

    try:
        raise ValueError("odd")
    except ValueError:
        LOG.exception("unexpected error", doing="a test")

    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["level"] == "error"
    assert json.loads(line)["exception"].endswith("ValueError: odd")


def test_console_is_text_without_colours_where_nobody_looks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("console", "info")

    LOG.info("volume made", volume="pvc-1", claim="shop/data", reason="it's new")
    LOG.error("bare")

    assert logged(capsys) == (
        "TIME [info     ] volume made                    "
        'claim=shop/data reason="it\'s new" volume=pvc-1\n'
        "TIME [error    ] bare\n"
    )


def test_console_has_colours_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    logs.configure("console", "info")

    LOG.warning("half a volume was found and undone", claim="shop/data")

    assert logged(capsys) == (
        "~[2mTIME~[0m [~[33m~[1mwarning  ~[0m] ~[1mhalf a volume was found and undone~[0m "
        "~[36mclaim~[0m=~[35mshop/data~[0m\n"
    )


def test_a_traceback_follows_its_line_on_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("console", "info")

    try:
        raise ValueError("odd")
    except ValueError:
        LOG.exception("unexpected error")

    first, second, *_, last = logged(capsys).splitlines()
    assert first == "TIME [error    ] unexpected error"
    assert second == "Traceback (most recent call last):"
    assert last == "ValueError: odd"


def test_what_is_below_the_level_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "warning")

    LOG.info("volume made")
    LOG.debug("claim waits")

    assert logged(capsys) == ""


def test_fields_that_a_logger_is_bound_to_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "debug")

    LOG.bind(volume="pvc-1").bind(claim="shop/data").debug("looked at", phase="Bound")
    LOG.debug("unbound")

    bound, unbound = map(json.loads, capsys.readouterr().err.splitlines())
    assert list(bound)[:4] == ["volume", "claim", "phase", "event"]
    assert list(unbound) == ["event", "level", "timestamp"]


@pytest.mark.usefixtures("of_others")
def test_a_line_is_written_once_whatever_a_library_sets_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("json", "info")
    logs.configure("json", "info")

    LOG.info("volume made")

    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_record_knows_the_line_that_logged_it() -> None:
    kept = BufferingHandler(capacity=2)
    logging.getLogger("holdfast").addHandler(kept)

    LOG.info("volume made")

    (record,) = kept.buffer
    assert record.funcName == test_a_record_knows_the_line_that_logged_it.__name__
