"""The file that lists the exports is read again when it changes; a mistake changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.controller import watched_file
from holdfast.controller.exports_config import parse
from holdfast.controller.watched_file import WatchedFile

GOOD = "exports: [{name: a, server: nas, path: /srv}]"
BETTER = "exports: [{name: b, server: nas, path: /srv}]"


class Bench:
    """A file, and what was told of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: list[str] = []
        path.write_text(GOOD)
        self.file = WatchedFile(path, parse(GOOD), self.told.append)

    def look(self) -> list[str]:
        return [export.name for export in self.file.news()]

    def news(self) -> list[str]:
        """What two looks tell, with which a content counts."""
        return self.look() + self.look()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(watched_file, "_LOOK", 0.0)
    return Bench(tmp_path / "exports.yaml")


def test_what_has_not_changed_is_no_news(bench: Bench) -> None:
    assert bench.news() == []

    bench.path.write_text(GOOD)

    assert (bench.news(), bench.told, bench.file.mistake) == ([], [], "")


def test_a_change_is_news_once(bench: Bench) -> None:
    bench.path.write_text(BETTER)

    assert [bench.news(), bench.news()] == [["b"], []]


def test_a_file_that_is_being_written_is_no_news_before_it_is_whole(bench: Bench) -> None:
    """Its first lines may be a list as well, of fewer exports or of a shorter path."""
    for length in (len(BETTER) - 4, len(BETTER) - 3, len(BETTER)):
        bench.path.write_text(BETTER[:length] + "}]" * (length < len(BETTER)))
        assert (bench.look(), bench.told) == ([], [])

    assert bench.look() == ["b"]


def test_a_change_since_it_was_read_before_is_news(tmp_path: Path, bench: Bench) -> None:
    path = tmp_path / "changed.yaml"
    path.write_text(BETTER)
    bench.file = WatchedFile(path, parse(GOOD), bench.told.append)

    assert bench.news() == ["b"]


def test_another_text_that_lists_the_same_is_no_news(bench: Bench) -> None:
    bench.path.write_text(f"# a comment\n{GOOD}")

    assert (bench.news(), bench.told) == ([], [])


def test_a_file_that_is_swapped_as_a_config_map_s_is_read_again(
    bench: Bench, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(BETTER)
    bench.path.unlink()
    bench.path.symlink_to(other)

    assert bench.news() == ["b"]


def test_a_mistake_is_told_once_and_changes_nothing(bench: Bench) -> None:
    bench.path.write_text("exports: []")

    assert [bench.news(), bench.news()] == [[], []]
    [told] = bench.told
    assert told.startswith(f"{bench.path}: the list `exports` is empty")
    assert told.endswith("the exports of the last good file are served")
    assert bench.file.mistake


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("exports:\n- {name: 2024-02-30, server: nas, path: /srv}", "line 2 has an invalid value"),
        ("exports: [{name: a, mount: " + "[" * 5000, "this is nested too deeply"),
    ],
)
def test_no_mistake_ends_the_process(bench: Bench, text: str, what: str) -> None:
    bench.path.write_text(text)

    assert bench.news() == []
    assert bench.file.mistake.startswith(f"{bench.path}: {what}")


def test_a_mistake_that_is_corrected_is_news_and_no_mistake_any_more(bench: Bench) -> None:
    bench.path.write_text("exports: []")
    bench.news()

    bench.path.write_text(BETTER)

    assert bench.news() == ["b"]
    assert bench.file.mistake == ""


def test_a_file_that_is_away_for_a_while_is_told_of_and_changes_nothing(bench: Bench) -> None:
    bench.path.unlink()
    assert [bench.news(), bench.news()] == [[], []]
    assert len(bench.told) == 1
    assert bench.file.mistake.startswith(f"cannot read {bench.path}")

    bench.path.write_text(GOOD)

    assert bench.news() == []
    assert bench.file.mistake == ""


def test_it_is_not_looked_at_all_the_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_file, "_LOOK", 60.0)
    bench.news()
    bench.path.write_text(BETTER)

    assert bench.news() == []
