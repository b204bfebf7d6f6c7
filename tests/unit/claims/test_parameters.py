"""The table of class parameters: each row, each wrong value, and the rows that do not exist."""

from __future__ import annotations

import pytest

from holdfast.claims.errors import Refused
from holdfast.claims.parameters import TABLE, Action, Parameters, read, read_bool
from tests.unit.claims.given import refusal, storage_class

ROWS = {
    "export": ("fast", Parameters("", Action.ARCHIVE, shared_paths=False, export="fast")),
    "pathPattern": ("${.PVC.name}", Parameters("${.PVC.name}", Action.ARCHIVE, shared_paths=False)),
    "onDelete": ("retain", Parameters("", Action.RETAIN, shared_paths=False)),
    "archiveOnDelete": ("false", Parameters("", Action.DELETE, shared_paths=False)),
    "sharedPaths": ("true", Parameters("", Action.ARCHIVE, shared_paths=True)),
    "existingDirectories": (
        "use",
        Parameters("", Action.ARCHIVE, shared_paths=False, use_existing=True),
    ),
}
NOTHING = Parameters("", Action.ARCHIVE, shared_paths=False)
# What Go's strconv.ParseBool takes.
TRUE = ("1", "t", "T", "true", "TRUE", "True")
FALSE = ("0", "f", "F", "false", "FALSE", "False")


def test_the_table_has_the_rows_that_are_tested_here_and_no_other() -> None:
    assert {row.name for row in TABLE} == set(ROWS)


def test_every_row_is_documented() -> None:
    assert all(row.values and row.default and row.meaning for row in TABLE)


def test_without_parameters_a_directory_is_archived_not_shared_and_made_anew() -> None:
    assert read({}) == NOTHING
    assert not NOTHING.use_existing


def test_existing_directories_may_be_refused_in_words() -> None:
    assert read({"existingDirectories": "refuse"}) == NOTHING


@pytest.mark.parametrize("name", ROWS)
def test_each_parameter_is_read(name: str) -> None:
    text, expected = ROWS[name]

    assert read({name: text}) == expected
    assert expected != NOTHING


@pytest.mark.parametrize("name", ROWS)
def test_an_empty_parameter_counts_as_not_given(name: str) -> None:
    assert read({name: ""}) == NOTHING


@pytest.mark.parametrize("action", ["delete", "archive", "retain"])
@pytest.mark.parametrize("older", ["true", "false"])
def test_on_delete_wins_over_archive_on_delete(action: str, older: str) -> None:
    assert read({"onDelete": action, "archiveOnDelete": older}).on_delete == action


def test_an_empty_on_delete_leaves_the_word_to_archive_on_delete() -> None:
    assert read({"onDelete": "", "archiveOnDelete": "false"}).on_delete is Action.DELETE


@pytest.mark.parametrize("text", TRUE)
def test_true_is_spelt_as_in_go(text: str) -> None:
    assert read_bool(text) is True


@pytest.mark.parametrize("text", FALSE)
def test_false_is_spelt_as_in_go(text: str) -> None:
    assert read_bool(text) is False


@pytest.mark.parametrize("text", ["", "yes", "tRUE", " true", "2", "on", "no"])
def test_any_other_boolean_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="must be 'true' or 'false'"):
        read_bool(text)


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("onDelete", "retian", "must be one of 'delete', 'archive', 'retain'"),
        ("onDelete", "Delete", "must be one of"),
        ("archiveOnDelete", "yes", "must be 'true' or 'false'"),
        ("sharedPaths", "maybe", "must be 'true' or 'false'"),
        ("existingDirectories", "true", "must be 'refuse' or 'use'"),
        ("existingDirectories", "Use", "must be 'refuse' or 'use'"),
        ("pathPattern", "${.PVC.nmae}", "unknown field '${.PVC.nmae}'"),
    ],
)
def test_a_wrong_value_is_refused_with_parameter_value_and_advice(
    name: str, text: str, advice: str
) -> None:
    message = refusal(of=storage_class({name: text}))

    assert message.startswith(f"StorageClass 'nfs': parameter {name!r} ")
    assert text in message
    assert advice in message


@pytest.mark.parametrize("text", ["", "true"])
def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(text: str) -> None:
    message = refusal(of=storage_class({"archiveOnDelet": text}))

    assert "parameter 'archiveOnDelet' is unknown" in message
    assert all(name in message for name in ROWS)
