"""Which mutants a run tries, from what its options say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tests.mutants.equivalents import Key
from tests.mutants.errors import MutantsError
from tests.mutants.mutant import Mutant, find_in
from tests.mutants.packages import Package, Project
from tests.mutants.sample import sample

Mutants = Mapping[Package, Sequence[Mutant]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be tried.

    Attributes:
        packages: by name; all if empty.
        places: FILE or FILE:LINE, a file by the end of its path; all if empty.
        count: how many of each package, None for all.
        seed: another number chooses others.
    """

    packages: Sequence[str] = ()
    places: Sequence[str] = ()
    count: int | None = None
    seed: int = 0

    def of(self, there: Mutants) -> dict[Package, list[Mutant]]:
        """The mutants to try; raises MutantsError where there are none."""
        chosen = {}
        for package, mutants in there.items():
            matching = [mutant for mutant in mutants if self._wants(mutant)]
            if matching and (not self.packages or package.name in self.packages):
                count = len(matching) if self.count is None else self.count
                chosen[package] = sample(matching, count, self.seed)
        if not chosen:
            raise MutantsError("no mutant matches --package and --file; --list shows what there is")
        return chosen

    def _wants(self, mutant: Mutant) -> bool:
        return not self.places or any(_is_at(mutant, place) for place in self.places)


def all_of(project: Project) -> dict[Package, list[Mutant]]:
    """Every mutant of every package."""
    return {package: find_in(project.root, package.source) for package in project.packages}


def without(mutants: Mutants, keys: Collection[Key]) -> dict[Package, list[Mutant]]:
    """The mutants that are not on a list."""
    return {
        package: [mutant for mutant in some if mutant.key not in keys]
        for package, some in mutants.items()
    }


def _is_at(mutant: Mutant, place: str) -> bool:
    file, _, line = place.partition(":")
    at_end = f"/{mutant.file}".endswith("/" + file.removeprefix("./"))
    return at_end and (not line or line in map(str, mutant.lines))
