"""A pytest plugin for runs on a copy of the project: what ran which lines, and in which order.

It stands alone, because it runs where `tests.mutants` is a copy too. The plan is a JSON file that
`$MUTANTS_PLAN` names, with these keys:

    report: a path; written at the very end, so a run without a report did not end as pytest's do.
    hang: a path; where the program is when a test takes too long, which ends the process.
    trace: a folder of which the lines that each test runs are noted, or null.
    order: ids of tests; others come after them.
    limits: seconds by id.
    prefix: of temporary names, so that what is not in $TMPDIR can be found and removed.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import hypothesis
import pytest

# The same examples each time; and a mutant is as dead without the smallest example.
hypothesis.settings.register_profile(
    "mutants",
    deadline=None,
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
hypothesis.settings.load_profile("mutants")


class Lines:
    """A trace function that notes lines of the files below a folder."""

    def __init__(self, folder: str) -> None:
        self._seen: set[tuple[str, int]] = set()
        self._prefix = folder.rstrip("/") + "/"

    def begin(self) -> None:
        """Notes what this thread runs, and threads that start from now on."""
        self._seen = set()
        threading.settrace(self)
        sys.settrace(self)

    def end(self) -> dict[str, list[int]]:
        """By file, the lines that were run."""
        sys.settrace(None)
        files: dict[str, list[int]] = defaultdict(list)
        for file, line in sorted(self._seen):
            files[file].append(line)
        return files

    def __call__(self, frame: FrameType, _event: str, _value: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(self._prefix) else None

    def _line(self, frame: FrameType, _event: str, _value: Any) -> Any:
        code: CodeType = frame.f_code
        self._seen.add((code.co_filename.removeprefix(self._prefix), frame.f_lineno))
        return self._line


class Plugin:
    """Follows a plan, and reports."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._hang = os.open(plan["hang"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)
        self._failed: str | None = None
        self._seconds: dict[str, float] = defaultdict(float)
        self._ran: dict[str, dict[str, list[int]]] = {}
        self._lines = Lines(plan["trace"]) if plan["trace"] else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Puts the tests into the order of the plan."""
        places = {name: place for place, name in enumerate(self._plan["order"])}
        items.sort(key=lambda item: places.get(item.nodeid, len(places)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Runs a test and its fixtures under a time limit, or notes the lines that they run.

        A test that hangs ends the process, for what hangs may hold up an end in good order, too.
        """
        if limit := self._plan["limits"].get(item.nodeid):
            faulthandler.dump_traceback_later(limit, exit=True, file=self._hang)
        if self._lines:
            self._lines.begin()
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()
            if self._lines:
                self._ran[item.nodeid] = self._lines.end()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notes a file that could not be imported."""
        if report.failed and self._failed is None:
            self._failed = report.nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes how long a test took, and the first that failed."""
        self._seconds[report.nodeid] += report.duration
        if report.failed and self._failed is None:
            self._failed = report.nodeid

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Writes the report."""
        report = {
            "passed": int(exitstatus) == 0,
            "failed": self._failed,
            "seconds": self._seconds,
            "lines": self._ran,
        }
        Path(self._plan["report"]).write_text(json.dumps(report), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Reads the plan."""
    plan = json.loads(Path(os.environ["MUTANTS_PLAN"]).read_text(encoding="utf-8"))
    tempfile.template = plan["prefix"]
    config.pluginmanager.register(Plugin(plan))
