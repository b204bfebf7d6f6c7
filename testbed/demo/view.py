"""What a person sees: a line for each step, and beneath them the claims as they are now.

On a terminal the claims and a progress bar move. Elsewhere there are only lines, one an event:
a log that is read later has no use for what was overwritten.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from testbed.demo.rows import GONE, Row
from testbed.demo.story import Step

_WIDTH: Final = 80
_HANGING: Final = "\n" + 11 * " "
_COLOURS: Final = {"Bound": "green", "Released": "cyan", "Pending": "yellow", GONE: "dim"}


class View:
    """One run of the demo; as a context manager it is live until the block ends."""

    def __init__(self, console: Console, steps: int) -> None:
        self._console = console
        self._lines: list[Text] = []
        self._rows: dict[str, Row] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(16),
            MofNCompleteColumn(),
            console=console,
        )
        self._task = self._progress.add_task("", total=steps)
        self._live = Live(console=console, get_renderable=self._moving, refresh_per_second=8)
        self._started = self._step_started = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.update(self._task, visible=False)
        self._live.stop()
        if not self._console.is_terminal:
            self._console.print()  # the end of its last line, which Live leaves open there

    def say(self, line: str | Text = "") -> None:
        """A line that stays."""
        self._console.print(Text(line) if isinstance(line, str) else line, soft_wrap=True)

    def note(self, line: str) -> None:
        """A line on what takes long."""
        self._console.print(Text(f"  {line}", "dim"), soft_wrap=True)

    def begin(self, step: Step) -> None:
        """The step is under way, until another begins."""
        self._step = step
        self._step_started = time.monotonic()
        self._progress.update(self._task, description=f"{step.subject:<8} {step.fact}")

    def show(self, rows: Iterable[Row]) -> None:
        """The claims as they are now."""
        before, self._rows = self._rows, {row.claim: row for row in rows}
        if self._console.is_terminal:
            return
        for claim, row in self._rows.items():
            if _news(row) != _news(before.get(claim)):
                self.note(_news(row))

    def succeed(self) -> None:
        """The step's fact was seen."""
        self._lines.append(self._line("✓", "green"))
        self.say(self._lines[-1])
        self._progress.advance(self._task)

    def fail(self, details: Iterable[tuple[str, str]]) -> None:
        """The step's fact was not seen; the details have a word each that says what they are."""
        self.say(self._line("✗", "red"))
        for word, text in (("expected", self._step.fact), *details):
            self.say(Text.assemble((f"  {word:<9}", "bold red"), text.replace("\n", _HANGING)))

    def finish(self) -> None:
        """Every step's fact was seen."""
        seconds = time.monotonic() - self._started
        self._end = f"All {len(self._lines)} steps were seen, in {seconds:.1f} s."
        self.say(self._end)

    def save(self, path: Path) -> None:
        """Write what a terminal shows after `finish` as SVG."""
        console = Console(
            record=True, file=io.StringIO(), width=_WIDTH, force_terminal=True, highlight=False
        )
        console.print(*self._lines, self._moving(), self._end, sep="\n")
        svg = console.export_svg(title="make demo")
        # Its fonts are on somebody's server, from which a picture in a README may load nothing.
        path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))

    def _line(self, mark: str, colour: str) -> Text:
        step, seconds = self._step, time.monotonic() - self._step_started
        return Text.assemble(
            (f"{mark} ", f"bold {colour}"),
            (f"{step.subject:<9}", "bold"),
            f"{step.fact:<58}",
            (f"{seconds:5.1f} s", "dim"),
        )

    def _moving(self) -> RenderableType:
        parts: list[RenderableType] = ["", _table(self._rows.values())] if self._rows else []
        return Group(*parts, "", self._progress)


def _news(row: Row | None) -> str:
    if row is None:
        return ""
    volume = f", volume {row.volume}" if row.volume and row.phase != GONE else ""
    directory = f", directory {row.place or 'removed'}" if row.named else ""
    mode = f" ({row.mode})" if row.mode else ""
    return f"{row.claim} is {row.phase}{volume}{directory}{mode}"


def _directory(row: Row) -> str:
    if not row.place:
        return "removed" if row.named else ""
    return f"mode {row.mode}" if row.place == row.named else "archived"


def _table(rows: Iterable[Row]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for name in ("CLAIM", "VOLUME", "PHASE", "DIRECTORY", "FILE"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        volume = f"{row.volume[:12]}…" if row.volume else ""
        phase = Text(row.phase, _COLOURS.get(row.phase, ""))
        table.add_row(row.claim, volume, phase, _directory(row), row.content)
    return table
