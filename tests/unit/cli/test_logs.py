"""Logs: JSON lines for a machine, text for a person, on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from holdfast.cli import logs


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Other tests log as they are used to."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_json_is_a_line_with_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")

    structlog.get_logger().warning("volume not made", claim="shop/data")

    out, err = capsys.readouterr()
    line = json.loads(err)
    assert out == ""
    assert line["event"] == "volume not made"
    assert line["claim"] == "shop/data"
    assert line["level"] == "warning"
    assert line["timestamp"].endswith("Z")


def test_a_traceback_stays_within_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "info")

    try:
        raise ValueError("odd")
    except ValueError:
        structlog.get_logger().exception("unexpected error")

    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: odd" in json.loads(line)["exception"]


def test_console_is_text_without_colours_where_nobody_looks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("console", "info")

    structlog.get_logger().info("volume created", claim="shop/data")

    err = capsys.readouterr().err
    assert "volume created" in err
    assert "claim=shop/data" in err
    assert "\x1b" not in err


def test_what_is_below_the_level_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "warning")

    structlog.get_logger().info("volume created")

    assert capsys.readouterr().err == ""
