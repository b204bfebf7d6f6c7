"""An export that is away is never taken for one where everything was deleted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.claims.parameters import Action
from holdfast.exports.errors import ExportUnavailable, Failed, TimedOut, Unsafe, WrongExport
from holdfast.exports.interface import ExportInfo, Grant
from tests.unit.exports.given import ID, Leading, adopted, export_at, listing, plan, published

CALLS: dict[str, Callable[[Leading], object]] = {
    "create": lambda export: export.create(plan("2")),
    "create again": lambda export: export.create(plan()),
    "confirm": lambda export: export.confirm("pvc-1"),
    "undo": lambda export: export.undo("pvc-1"),
    "find": lambda export: export.find("pvc-1"),
    "trashed": lambda export: export.exports.trashed(),
    "recorded": lambda export: export.exports.recorded(),
    "sweep": lambda export: export.exports.sweep(export.grant),
    "adopt": lambda export: export.adopt(adopted("3")),
    "delete": lambda export: export.reclaim("pvc-1", "1", Action.DELETE),
    "archive": lambda export: export.reclaim("pvc-1", "1", Action.ARCHIVE),
    "retain": lambda export: export.reclaim("pvc-1", "1", Action.RETAIN),
    "reap": lambda export: export.exports.reap(export.grant, "pvc-1", 1),
    "put back": lambda export: export.exports.move_back(export.grant, "pvc-1"),
    "recover": lambda export: export.exports.recover(export.grant, "pvc-1", "Retain"),
    "update_record": lambda export: export.exports.update_record(
        export.grant, "pvc-1", plan().claim, "1Gi", "Delete"
    ),
}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Callable[[Leading], object]:
    """Each method."""
    return CALLS[request.param]


def test_a_root_that_is_missing_is_unavailable(
    root: Path, call: Callable[[Leading], object]
) -> None:
    export = export_at(root)
    published(export)
    shutil.rmtree(root)

    with pytest.raises(ExportUnavailable, match="cannot open the export's root"):
        call(export)
    assert not root.exists()


def test_a_root_that_is_no_directory_is_unavailable(
    root: Path, call: Callable[[Leading], object]
) -> None:
    root.write_text("a file")

    with pytest.raises(ExportUnavailable):
        call(Leading(root))


def test_an_empty_directory_in_place_of_the_export_is_unavailable_and_stays_empty(
    root: Path, call: Callable[[Leading], object]
) -> None:
    export = export_at(root)
    published(export)
    shutil.rmtree(root)
    root.mkdir()

    with pytest.raises(WrongExport, match="mount the export on which the volumes"):
        call(export)
    assert listing(root) == {}
    assert export.exports.inspect() == export.exports.probe() == ExportInfo()
    assert listing(root) == {}


@pytest.mark.parametrize("same_term", [True, False])
def test_another_export_in_its_place_is_recognised_and_not_touched(
    root: Path, call: Callable[[Leading], object], *, same_term: bool
) -> None:
    """Rule 9: another export is never taken for ours, be the numbers of its terms the same."""
    export = export_at(root)
    published(export)
    shutil.rmtree(root)
    other = Leading(root)
    root.mkdir()
    other.exports.initialise("another")
    if same_term:
        published(other)
    (root / "team/data").mkdir(parents=True, exist_ok=True)
    before = listing(root)

    with pytest.raises(WrongExport, match="the export another is mounted here, not e4f1"):
        call(export)
    assert listing(root) == before


def test_an_export_without_an_id_in_its_place_is_recognised_and_not_touched(
    root: Path, call: Callable[[Leading], object]
) -> None:
    """Rule 9: one of version 1, or whose id was lost, is not known to be ours."""
    export = export_at(root)
    published(export)
    shutil.rmtree(root / ".holdfast/terms")
    (root / ".holdfast/export").unlink()
    before = listing(root)

    with pytest.raises(WrongExport, match=r"an export without .* is mounted here, not e4f1"):
        call(export)
    assert listing(root) == before
    assert export.exports.inspect() == export.exports.probe() == ExportInfo(format=1)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"id": 1, "format": 2}', '{"id": "a/b", "format": 2}', '{"id": "a"}'],
)
def test_an_id_that_cannot_be_read_is_named_with_the_way_out(
    root: Path, export: Leading, content: str
) -> None:
    (root / ".holdfast/export").write_text(content)

    for call in (export.exports.inspect, export.exports.probe, export.begin):
        with pytest.raises(ExportUnavailable, match=r"cannot parse \.holdfast/export .* accept`"):
            call()


def test_an_export_of_a_later_format_is_not_touched(root: Path, export: Leading) -> None:
    (root / ".holdfast/export").write_text('{"id": "a", "format": 3}')

    with pytest.raises(
        ExportUnavailable, match=r"format is 3, this Holdfast supports up to 2: upgrade"
    ):
        export.begin()


@pytest.mark.parametrize("export_id", ["", "a/b", "..", "a b", "x" * 65, "\ud800"])
def test_an_id_is_letters_digits_and_hyphens(root: Path, export_id: str) -> None:
    root.mkdir()

    with pytest.raises(Unsafe, match="use at most 64 letters, digits and hyphens"):
        Leading(root).exports.initialise(export_id)
    assert not (root / ".holdfast/export").exists()


def test_an_export_keeps_the_id_that_it_was_given_first(root: Path) -> None:
    """Two replicas that start at the same time agree."""
    export = export_at(root)

    assert export.exports.initialise("another") == ExportInfo(ID, 2)
    assert sorted(path.name for path in (root / ".holdfast").iterdir()) == [
        "creating",
        "directories",
        "export",
        "trash",
        "trashed",
        "volumes",
    ]


def test_no_term_begins_where_there_is_no_id(root: Path, export: Leading) -> None:
    (root / ".holdfast/export").unlink()

    with pytest.raises(ExportUnavailable, match="the export has no id"):
        export.begin()
    assert not (root / ".holdfast/terms").exists()


def test_a_call_whose_time_is_up_changes_nothing(root: Path, export: Leading) -> None:
    """Rule 6: once nobody waits for it any more."""
    term = export.takeover.term
    before = listing(root)

    with pytest.raises(TimedOut, match="not done within 0 s: Holdfast will retry"):
        export.exports.create(Grant(term, 0), plan())
    assert listing(root) == before


def test_the_time_counts_from_when_the_caller_began_to_wait(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from when the call got its place among the others."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    grant = Grant(export.takeover.term, 30)
    before = listing(root)

    now[0] += 31
    with pytest.raises(TimedOut, match="not done within 30 s"):
        export.exports.create(grant, plan())
    assert listing(root) == before


def test_initialise_makes_no_root(root: Path) -> None:
    with pytest.raises(ExportUnavailable):
        Leading(root).exports.initialise(ID)
    assert not root.exists()


def test_a_trash_that_somebody_removed_is_made_again(root: Path, export: Leading) -> None:
    published(export)
    shutil.rmtree(root / ".holdfast/trash")
    shutil.rmtree(root / ".holdfast/trashed")

    assert export.reclaim("pvc-1", "1", Action.DELETE).outcome == "trashed"
    shutil.rmtree(root / ".holdfast/trash")
    assert export.reap() == 0


def test_the_probe_leaves_nothing(root: Path, export: Leading) -> None:
    before = listing(root)

    export.probe()

    assert listing(root) == before


def test_no_two_probes_share_a_file(export: Leading, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    remove = os.unlink

    def note(name: str, *, dir_fd: int) -> None:
        names.append(name)
        remove(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", note)
    for _ in range(3):
        export.probe()

    assert len(set(names)) == 3


def test_a_file_system_that_says_no_is_a_failure_with_a_hint(
    root: Path, export: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, *given: int, **place: int) -> None:
        if name == "team":
            raise PermissionError(13, "Permission denied")
        make(name, *given, **place)

    make = os.mkdir
    monkeypatch.setattr("os.mkdir", refuse)

    with pytest.raises(Failed, match=r"create directory 'team/data': Permission denied; .*no_root"):
        export.create(plan())
    assert not (root / "team").exists()
