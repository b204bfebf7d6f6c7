"""Runs tests on copies of the project: a mutant is killed when they do not all pass.

Rejected: mutmut 3, which leaves out what is in no function and all functions with a decorator, and
forks its tests from one process, whose threads and locks do not survive that; cosmic-ray 8, which
changes the checkout itself, takes out neither calls nor raises, and knows no order of tests.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants import plugin
from tests.mutants.baseline import Baseline
from tests.mutants.copies import Copy
from tests.mutants.errors import MutantsError
from tests.mutants.mutant import Mutant
from tests.mutants.packages import Package, Project
from tests.mutants.processes import Processes

_PLUGIN = "mutants_plugin"
_BASELINE_LIMIT = 1200.0  # seconds
_TAIL = 25  # lines of pytest's output


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant; `killed_by` is a test or what happened, empty if it survived."""

    mutant: Mutant
    killed_by: str
    seconds: float

    @property
    def survived(self) -> bool:
        """Whether all tests passed."""
        return not self.killed_by


class Laboratory:
    """A temporary folder for copies, and what runs in them."""

    def __init__(self, project: Project, folder: Path, processes: Processes) -> None:
        self._project = project
        self._folder = folder
        self._processes = processes
        (folder / "plugin").mkdir()
        shutil.copy(plugin.__file__, folder / "plugin" / f"{_PLUGIN}.py")

    def baseline(self, package: Package) -> Subject:
        """Runs a package's tests without a mutant; raises MutantsError if they do not pass."""
        copy = Copy.of_checkout(self._project, self._folder / package.name)
        plan = {"trace": str(copy.project / package.source)}
        why = self.run(copy, package, plan, _BASELINE_LIMIT)
        if why:
            raise MutantsError(f"{package.name}: without a mutant: {why}\n{_tail(copy)}")
        return Subject(self, package, copy, _baseline(copy, package))

    def copy_of(self, copy: Copy, mutant: Mutant | None, name: str) -> Copy:
        """A copy with a mutant."""
        return Copy.of_copy(copy, mutant, self._folder / name)

    def run(self, copy: Copy, package: Package, plan: Mapping[str, Any], limit: float) -> str:
        """Runs tests; says why they did not pass, or nothing."""
        empty: dict[str, Any] = {"trace": None, "order": [], "limits": {}}
        paths = {"report": str(copy.report), "hang": str(copy.hang), "prefix": copy.prefix}
        copy.plan.write_text(json.dumps(empty | paths | dict(plan)), encoding="utf-8")
        copy.report.unlink(missing_ok=True)
        with copy.output.open("wb") as output:
            code = self._processes.run(
                _command(package.tests),
                folder=copy.folder,
                work=copy.project,
                environment=self._environment(copy, compiles=bool(plan["trace"])),
                output=output,
                limit=limit,
            )
        return _why(code, copy)

    def _environment(self, copy: Copy, *, compiles: bool) -> dict[str, str]:
        paths = [self._folder / "plugin", *(copy.project / path for path in self._project.paths)]
        ours = {
            "MUTANTS_PLAN": str(copy.plan),
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "TMPDIR": str(copy.temporary),
        }
        if not compiles:
            ours["PYTHONDONTWRITEBYTECODE"] = "1"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYT")}
        return kept | ours


class Subject:
    """A package whose tests pass, ready for mutants."""

    def __init__(
        self, laboratory: Laboratory, package: Package, copy: Copy, baseline: Baseline
    ) -> None:
        self.package = package
        self.baseline = baseline
        self._laboratory = laboratory
        self._copy = copy

    def control(self) -> None:
        """Runs the tests as for a mutant, but without one; raises MutantsError if they fail."""
        copy = self._laboratory.copy_of(self._copy, None, f"{self.package.name}-control")
        if why := self._killed_by(copy, None):
            raise MutantsError(
                f"{self.package.name}: the tests pass in their own order, but not all in the order "
                f"of how long they take: {why}\n{_tail(copy)}"
            )
        copy.remove()

    def outcome(self, mutant: Mutant, name: str) -> Outcome:
        """Tries a mutant, in a copy of that name.

        A test that is not known to run what was changed may have failed by itself, so it has to
        fail twice.
        """
        started = time.monotonic()
        copy = self._laboratory.copy_of(self._copy, mutant, name)
        killed_by = self._killed_by(copy, mutant)
        if killed_by in self.baseline.seconds and not self.baseline.can_notice(killed_by, mutant):
            killed_by = self._killed_by(copy, mutant)
        copy.remove()
        return Outcome(mutant, killed_by, time.monotonic() - started)

    def _killed_by(self, copy: Copy, mutant: Mutant | None) -> str:
        order, limits = self.baseline.order(mutant), self.baseline.limits
        plan = {"trace": None, "order": order, "limits": limits}
        return self._laboratory.run(copy, self.package, plan, self.baseline.limit)


def _command(tests: Sequence[str]) -> list[str]:
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", _PLUGIN]
    return [sys.executable, "-m", "pytest", *options, *tests]


def _report(copy: Copy) -> dict[str, Any] | None:
    if not copy.report.exists():
        return None
    report: dict[str, Any] = json.loads(copy.report.read_text(encoding="utf-8"))
    return report


def _why(code: int | None, copy: Copy) -> str:
    report = _report(copy)
    if code is None:
        return "the time limit"
    if report is None:
        hangs = copy.hang.exists() and copy.hang.stat().st_size > 0
        return "a test that hangs" if hangs else f"an end in silence, exit code {code}"
    if report["passed"] and code == 0:
        return ""
    return str(report["failed"] or f"pytest's exit code {code}")


def _baseline(copy: Copy, package: Package) -> Baseline:
    report = _report(copy) or {}
    lines = {
        test: {f"{package.source}/{file}": frozenset(lines) for file, lines in files.items()}
        for test, files in report["lines"].items()
    }
    if not any(lines.values()):
        raise MutantsError(f"{package.name}: the tests run none of the files in {package.source}")
    return Baseline(report["seconds"], lines)


def _tail(copy: Copy) -> str:
    """The end of pytest's output, and where in the project a test that hangs is."""
    output, hang = (
        path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        for path in (copy.output, copy.hang)
    )
    return "\n".join([*output[-_TAIL:], *(line for line in hang if str(copy.project) in line)])
