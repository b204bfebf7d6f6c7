"""A test's lab is taken down whatever comes of it: its machines would run for ever."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.errors import LabError
from testbed.lab.interface import Wish
from tests.lab import site


class Recorder:
    """A lab that notes what is asked of it."""

    said: list[str]
    fails = False

    def __init__(self, _: Any) -> None: ...

    def up(self, _: Any) -> None:
        self.said.append("up")
        if self.fails:
            raise LabError("no room")

    def down(self) -> None:
        self.said.append("down")


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    heard: list[str] = []
    monkeypatch.setattr(Recorder, "said", heard, raising=False)
    monkeypatch.setattr(site, "open_lab", Recorder)
    return heard


def test_after_a_block_that_fails(said: list[str]) -> None:
    with pytest.raises(AssertionError), site.standing("any", Wish()):
        raise AssertionError

    assert said == ["down", "up", "down"]


def test_where_its_machines_do_not_come_up(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "fails", True)

    with pytest.raises(LabError), site.standing("any", Wish()):
        pass

    assert said == ["down", "up", "down"]
