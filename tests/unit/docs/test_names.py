"""The repository's address and the image's name have one place; all others repeat it."""

from __future__ import annotations

import subprocess

import pytest

import holdfast
from testbed import names, readmes
from testbed.names import CHECKOUT, PLACES, Place

OTHERS = {"repository": "https://git.example:8443/a-b/c.d", "image": "reg.example:5000/x/y_z/w"}
FILES = sorted({place.file for place in PLACES})
# Where they are written once, and what is generated from places that a test compares.
ORIGINS = {"pyproject.toml", "roles/provisioner/README.md"}


def text(file: str) -> str:
    return (CHECKOUT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES)
def test_each_place_says_what_pyproject_says(file: str) -> None:
    assert names.current(file, text(file), names.names()) == text(file), "run `make docs`"


@pytest.mark.parametrize("file", FILES)
def test_a_fork_is_renamed_wholly_and_back(file: str) -> None:
    renamed = names.current(file, text(file), OTHERS)

    assert [value for value in names.names().values() if value in renamed] == []
    assert names.current(file, renamed, names.names()) == text(file)


def test_nothing_else_names_them() -> None:
    wanted = [word for value in names.names().values() for word in ("-e", value)]
    found = subprocess.run(
        ["git", "grep", "--files-with-matches", "--fixed-strings", *wanted],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode > 1:
        pytest.skip("no checkout of git")

    assert set(found.stdout.split()) == {*FILES, *ORIGINS}


def test_the_readme_of_the_role_has_the_name_by_way_of_its_specification() -> None:
    assert names.names()["image"] in readmes.readme(CHECKOUT / "roles/provisioner")


def test_a_place_that_is_gone_is_named() -> None:
    with pytest.raises(LookupError, match=r"galaxy\.yml does not have 'nowhere: '"):
        Place("galaxy.yml", "image", "nowhere: ").written(text("galaxy.yml"), "x")


def test_nobody_is_asked_to_fill_in_a_name() -> None:
    assert "clone REPOSITORY" not in text("docs/install.md")


def test_the_version_is_read_without_an_environment() -> None:
    assert names.version() == holdfast.__version__
