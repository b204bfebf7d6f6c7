"""Copies of the project, in which tests run: with a mutant in one file, or without.

The first copy of a package is run without a mutant, which leaves compiled files in it; later
copies are made from that one and begin faster.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.mutants.mutant import Mutant
from tests.mutants.packages import Project

_MEMORY = Path("/dev/shm")  # where tests put what would take long on a disk


class Copy:
    """A folder with a copy of the project, and what a run of its tests leaves behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.temporary = folder / "tmp"
        self.plan = folder / "plan.json"
        self.report = folder / "report.json"
        self.hang = folder / "hang"
        self.output = folder / "output"
        self.prefix = f"{folder.parent.name}-{folder.name}-"
        self.temporary.mkdir(parents=True)

    @classmethod
    def of_checkout(cls, project: Project, folder: Path) -> Copy:
        """A copy of what is needed of a checkout."""
        copy = cls(folder)
        copy.project.mkdir()
        for name in project.copied:
            _copy(project.root / name, copy.project / name)
        return copy

    @classmethod
    def of_copy(cls, other: Copy, mutant: Mutant | None, folder: Path) -> Copy:
        """A copy of another one, with a mutant."""
        copy = cls(folder)
        # Times of files are kept, by which Python knows that what it compiled is up to date.
        shutil.copytree(other.project, copy.project, symlinks=True)
        if mutant:
            mutant.apply(copy.project)
            file = copy.project / mutant.file
            for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
                compiled.unlink()
        return copy

    def remove(self) -> None:
        """Remove all of it, trees too deep for Python included."""
        elsewhere = _MEMORY.glob(f"{self.prefix}*")
        subprocess.run(["rm", "-rf", "--one-file-system", self.folder, *elsewhere], check=True)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(source, target, symlinks=True, ignore=ignored)
    else:
        shutil.copy2(source, target)
