"""What a sweep costs does not grow with the trash: it looks at what is new there (rule 6)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.interface import MovedBack
from tests.unit.exports.given import Leading, opened, published


@pytest.fixture
def trashed(export: Leading) -> list[str]:
    """Many volumes in the trash; an earlier sweep has made the reserve."""
    swept(export)
    names = [f"{number:03}" for number in range(30)]
    for name in names:
        published(export, name, f"d{name}")
        export.reclaim(f"pvc-{name}", name, Action.DELETE)
    return names


def swept(export: Leading) -> tuple[MovedBack, ...]:
    return export.exports.sweep(export.grant)


@pytest.mark.usefixtures("trashed")
def test_what_was_seen_to_belong_there_is_not_looked_at_again(
    export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept(export)

    assert opened(monkeypatch, lambda: swept(export)) < 20


@pytest.mark.usefixtures("trashed")
def test_one_sweep_looks_at_so_many_and_the_next_goes_on(
    export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.exports.misplaced_directories._MOST", 10)

    costs = [opened(monkeypatch, lambda: swept(export)) for _ in range(4)]

    assert 40 < costs[0] < 70
    assert costs[0] == pytest.approx(costs[2], abs=5)
    assert costs[3] < 20


def test_on_a_slow_server_a_sweep_ends_at_half_of_its_time(
    root: Path, export: Leading, trashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next goes on, so that the last is found as well."""
    misplaced(export, root, under=trashed[-1])
    now, real, sweeps = [1000.0], os.open, 0

    def slow(*given: object, **place: object) -> int:
        now[0] += 60  # of the 3600 s that the grant gives
        return real(*given, **place)  # type: ignore[arg-type]

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(os, "open", slow)

    while not swept(export):
        sweeps += 1
        assert sweeps < 60
    assert sweeps > 1
    assert (root / f"d{trashed[-1]}/file").read_text() == "data"


def misplaced(export: Leading, root: Path, *, under: str) -> None:
    """A live volume's directory, moved late, under the name of one that was deleted before."""
    published(export, "live", f"d{under}")
    (root / f"d{under}/file").write_text("data")
    (root / ".holdfast/trash" / f"pvc-{under}").rmdir()
    (root / f"d{under}").rename(root / ".holdfast/trash" / f"pvc-{under}")


def test_what_comes_there_late_is_found_by_the_next_sweep(
    root: Path, export: Leading, trashed: list[str]
) -> None:
    """Under a name that was seen before, too: it is another directory."""
    swept(export)
    misplaced(export, root, under=trashed[10])

    (back,) = swept(export)

    assert (back.volume, back.directory) == ("pvc-live", "d010")
    assert (root / "d010/file").read_text() == "data"


@pytest.mark.usefixtures("trashed")
def test_what_has_no_record_among_the_trashed_is_looked_at_before_the_others(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is how a late call leaves a live volume's directory."""
    monkeypatch.setattr("holdfast.exports.misplaced_directories._MOST", 1)
    published(export, "zzz", "live")
    (root / "live/file").write_text("data")
    (root / "live").rename(root / ".holdfast/trash/pvc-zzz")

    (back,) = swept(export)

    assert (back.volume, back.directory) == ("pvc-zzz", "live")


def test_what_nobody_knows_there_does_not_keep_from_what_lies_behind_it(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.exports.misplaced_directories._MOST", 3)
    for number in range(5):
        (root / f".holdfast/trash/odd-{number}").mkdir()
    published(export, "1", "live")
    (root / "live").rename(root / ".holdfast/trash/pvc-1")

    assert [back.volume for _ in range(2) for back in swept(export)] == ["pvc-1"]
