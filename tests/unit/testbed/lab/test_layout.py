"""Where labs of different names keep their things."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.errors import LabError
from testbed.lab.layout import Layout


def test_two_labs_share_no_place() -> None:
    one, other = Layout("one"), Layout("other")

    for place in ("namespace", "run", "disks", "inventory", "ssh_config", "key"):
        assert getattr(one, place) != getattr(other, place), place


def test_without_a_name_it_is_the_default_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_LAB", raising=False)

    assert Layout.from_environment().inventory.match("inventory/lab.yml")


def test_a_named_lab_has_its_own_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_LAB", "mine")

    assert Layout.from_environment().inventory.match("inventory/lab-mine.yml")


@pytest.mark.parametrize("name", ["../etc", "a b", "Upper", "-a", "a-", "a" * 21, "ä"])
def test_a_name_that_is_no_good_for_files_and_namespaces_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOLDFAST_LAB", name)

    with pytest.raises(LabError, match=r"HOLDFAST_LAB is .* 1 to 20 lower-case letters"):
        Layout.from_environment()


def test_what_a_lab_runs_on_is_beneath_its_own_folder() -> None:
    layout = Layout("mine")

    assert layout.run == Path("/run/holdfast-lab/mine")
    assert all(layout.run in path.parents for path in (layout.ssh_config, layout.key))
