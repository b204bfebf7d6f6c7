"""An export is tried by writing to it only where it is the one that is meant."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest

from holdfast.controller.export_client import ExportClient
from holdfast.controller.export_metrics import ExportMetrics
from holdfast.controller.metrics import Metrics
from holdfast.exports import export_id_file
from holdfast.exports.errors import ExportUnavailable, WrongExport
from holdfast.exports.export import Export
from holdfast.exports.interface import ExportInfo, ExportInterface, Grant, Leader, Term


@pytest.fixture
def export(tmp_path: Path) -> Export:
    made = Export(tmp_path)
    made.initialise("theirs")
    os.utime(tmp_path / ".holdfast", (0, 0))
    return made


def grant(seconds: float) -> Grant:
    return Grant(Term(Leader("", ""), 1), seconds)


def tried(
    export: Export, check: Callable[[ExportInfo], object], *, can_check: bool = True
) -> ExportClient:
    return ExportClient(
        export,
        30,
        ExportMetrics(Metrics(), "default"),
        grant=grant,
        check=check,
        can_check=lambda: can_check,
    )


def was_written_to(root: Path) -> bool:
    return (root / ".holdfast").stat().st_mtime != 0


class Swapped:
    """An export in whose place another is mounted, and then none that its handle leads to."""

    def __init__(self, *answers: str) -> None:
        self._answers = iter(answers)

    def inspect(self) -> ExportInfo:
        answer = next(self._answers)
        if answer == "stale":
            raise ExportUnavailable("stale file handle", stale=True)
        return ExportInfo(answer, 2)

    def probe(self) -> ExportInfo:
        return ExportInfo("ours", 2)


def is_stale_after(*answers: str) -> bool:
    """Whether a new mount is wanted after the last answer: the others came within a minute."""
    exports = cast("ExportInterface", Swapped(*answers))
    probed = ExportClient(
        exports,
        30,
        ExportMetrics(Metrics(), "default"),
        grant=grant,
        check=lambda info: export_id_file.check(info, "ours"),
    )
    for _ in answers:
        with suppress(ExportUnavailable):
            probed.probe()
    return probed.is_stale


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        (("ours", "stale"), False),
        (("theirs",), False),
        (("theirs", "stale"), True),
        (("theirs", "stale", "ours"), False),
        (("theirs", "ours", "stale"), False),
    ],
)
def test_a_stale_handle_of_the_wrong_export_is_not_waited_for(
    answers: tuple[str, ...],
    wanted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert is_stale_after(*answers) is wanted


def test_another_export_is_not_written_to(export: Export, tmp_path: Path) -> None:
    with pytest.raises(WrongExport, match="the export theirs is mounted here, not ours"):
        tried(export, lambda info: export_id_file.check(info, "ours")).probe()

    assert not was_written_to(tmp_path)


def test_one_of_which_nobody_can_say_yet_whether_it_is_meant_is_not_written_to(
    export: Export, tmp_path: Path
) -> None:
    tried(export, lambda _: None, can_check=False).probe()

    assert not was_written_to(tmp_path)


def test_the_one_that_is_meant_is_written_to(export: Export, tmp_path: Path) -> None:
    tried(export, lambda info: export_id_file.check(info, "theirs")).probe()

    assert was_written_to(tmp_path)


def test_how_long_the_last_probe_took_is_known_unless_it_failed(export: Export) -> None:
    wrong = [False, False, True]

    def check(_: ExportInfo) -> None:
        if wrong.pop(0):
            raise WrongExport("another one")

    directories = tried(export, check)
    known = [directories.probed]
    directories.probe()
    known.append(directories.probed)
    with pytest.raises(WrongExport):
        directories.probe()
    known.append(directories.probed)
    directories.close()

    before, first, second = known
    assert before is None
    assert first is not None
    assert second is not None
    assert (first.seconds or 0) > 0
    assert second.seconds is None
    assert second.at >= first.at
