"""Which mutants the options choose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.choice import Choice, all_of, without
from tests.mutants.errors import MutantsError
from tests.mutants.packages import Project
from tests.unit.mutants.toy import toy


@pytest.fixture
def project(root: Path) -> Project:
    return toy(root)


def places(project: Project, choice: Choice) -> list[str]:
    return [mutant.place for mutants in choice.of(all_of(project)).values() for mutant in mutants]


def test_without_options_all_of_every_package_are_chosen(project: Project) -> None:
    assert len(places(project, Choice())) == sum(map(len, all_of(project).values())) > 10


def test_a_package_is_left_out_when_another_is_named(project: Project) -> None:
    with pytest.raises(MutantsError, match="--list"):
        places(project, Choice(packages=["other"]))


@pytest.mark.parametrize("place", ["calc.py:3", "toy/calc.py:3", "./src/toy/calc.py:3"])
def test_a_line_of_a_file_is_chosen_by_the_end_of_its_path(project: Project, place: str) -> None:
    assert places(project, Choice(places=[place])) == ["src/toy/calc.py:3"]


@pytest.mark.parametrize("place", ["alc.py", "calc.py:4", "calc.py:x", "other/calc.py"])
def test_a_place_without_mutants_is_an_error(project: Project, place: str) -> None:
    with pytest.raises(MutantsError, match="--list"):
        places(project, Choice(places=[place]))


def test_the_count_is_each_packages(project: Project) -> None:
    assert len(places(project, Choice(count=5))) == 5


def test_what_is_on_a_list_is_not_tried(project: Project) -> None:
    there = all_of(project)
    [mutants] = there.values()

    [left] = without(there, {mutants[0].key}).values()

    assert left == mutants[1:]
