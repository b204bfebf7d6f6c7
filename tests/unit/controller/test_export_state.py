"""What the leader says of its export in the Lease."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.claims.decide import Provisioner
from holdfast.controller.export_state import (
    ExportState,
    TrashContent,
    annotations_of,
)
from holdfast.controller.settings import ExportSettings
from tests.unit.controller.given import ADDRESS, NAME

WHEN = datetime(2026, 11, 2, 3, 4, 5, 678, tzinfo=UTC)


def test_the_annotations_name_provisioner_export_and_address() -> None:
    export = ExportSettings(address=ADDRESS, name="fast", root=Path("/exports/fast"))
    state = ExportState(
        "serving", "", 3, TrashContent(2, 61.7, 1, "pvc-a: it is in use"), 0.00123456789, WHEN
    )

    given = annotations_of(Provisioner(NAME, also=frozenset({"b/b", "a/a"})), export, state)

    said = json.loads(given.pop("holdfast.io/state"))
    assert given == {
        "holdfast.io/provisioner": NAME,
        "holdfast.io/also-known-as": "a/a b/b",
        "holdfast.io/export-name": "fast",
        "holdfast.io/address": "nas:/srv",
    }
    assert said == {
        "state": "serving",
        "reason": "",
        "volumes": 3,
        "trash": {"volumes": 2, "oldest_seconds": 62, "blocked": 1, "why": "pvc-a: it is in use"},
        "latency_seconds": 0.001235,
        "probed": "2026-11-02T03:04:05Z",
    }


def test_names_that_are_not_served_any_more_are_overwritten() -> None:
    """The annotations of a Lease that are not written stay as they are."""
    state = ExportState("serving", "", None, None, None, None)

    given = annotations_of(Provisioner(NAME), ExportSettings(address=ADDRESS), state)

    assert given["holdfast.io/also-known-as"] == ""


def test_what_is_not_known_is_null() -> None:
    said = json.loads(ExportState("stopped", "", None, None, None, None).as_json())

    assert (said.pop("state"), said.pop("reason")) == ("stopped", "")
    assert said == dict.fromkeys(("volumes", "trash", "latency_seconds", "probed"))


def said_of(reason: str) -> str:
    text = ExportState("no-term", reason, None, None, None, None).as_json()
    return str(json.loads(text)["reason"])


def test_a_reason_does_not_say_the_state_again() -> None:
    assert said_of("cannot begin a term: it is full") == "it is full"


@pytest.mark.parametrize("reason", ["x" * 500, "x" * 10_000])
def test_a_reason_of_any_length_fits_an_annotation(reason: str) -> None:
    assert len(said_of(reason)) == 500


def test_a_name_that_is_no_utf_8_is_written_in_ascii() -> None:
    """Whatever a file on the export is called, the API server takes the annotation."""
    text = ExportState("unavailable", "odd \udcff", None, None, None, None).as_json()

    assert text.isascii()
    assert json.loads(text)["reason"] == "odd \udcff"
