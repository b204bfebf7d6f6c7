"""A node leaves its cluster: the tasks, run with a kubectl that notes what it is called with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.roles.playing import Site

# As kubectl: it answers no other template, and one without quotes is an error.
ASKED = '--output=jsonpath={.metadata.name}={.status.conditions[?(@.type=="Ready")].status}'
KUBECTL = """#!/bin/sh
case "$*" in
*jsonpath*) for last; do :; done
  test "$last" = 'ASKED' || { echo "error executing jsonpath $last" >&2; exit 1; }
  printf 'ANSWER' ;;
*) for word; do case $word in drain|delete) echo $word >> "CALLS" ;; esac; done ;;
esac
"""


def left(folder: Path, answer: str) -> list[str]:
    """What kubectl was told to change."""
    site, calls = Site(folder), folder / "calls"
    calls.write_text("")
    text = KUBECTL.replace("ASKED", ASKED).replace("ANSWER", answer).replace("CALLS", str(calls))
    site.program("kubectl", text)
    site.play(
        [{"include_role": {"name": "holdfast.nfs.kubernetes_node", "tasks_from": "leave"}}],
        kubernetes_node_leaving="worker2",
    )
    return calls.read_text().splitlines()


@pytest.mark.parametrize(
    ("answer", "verbs"),
    [
        ("worker2=True", ["drain", "delete"]),
        ("worker2=Unknown", ["delete"]),
        ("worker2=", ["delete"]),
        ("", []),
    ],
)
def test_a_node_that_is_there_is_deleted_and_one_that_answers_is_drained(
    tmp_path: Path, answer: str, verbs: list[str]
) -> None:
    assert left(tmp_path, answer) == verbs
