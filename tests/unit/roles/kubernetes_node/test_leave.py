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
*) for word; do case $word in drain|delete) echo $word >> "CALLS"; VERB ;; esac; done ;;
esac
"""


class Leaving:
    """A node of which the API server answers something, and what kubectl was told to change."""

    def __init__(self, folder: Path, answer: str = "", verb: str = ":") -> None:
        self.site, self.calls = Site(folder), folder / "calls"
        self.calls.write_text("")
        text = KUBECTL.replace("ASKED", ASKED).replace("ANSWER", answer).replace("VERB", verb)
        self.site.program("kubectl", text.replace("CALLS", str(self.calls)))

    def play(self, entry: str) -> list[str]:
        include = {"name": "holdfast.nfs.kubernetes_node", "tasks_from": entry}
        done = self.site.played([{"include_role": include}], kubernetes_node_leaving="worker2")
        self.said = " ".join(done.stdout.split())
        return self.calls.read_text().splitlines()


@pytest.mark.parametrize(
    ("answer", "verbs"),
    [
        ("worker2=True", ["drain"]),
        ("worker2=False", ["drain"]),
        ("worker2=Unknown", []),
        ("worker2=", []),
        ("", []),
    ],
)
def test_a_node_whose_kubelet_reports_is_drained_and_one_that_is_silent_is_not(
    tmp_path: Path, answer: str, verbs: list[str]
) -> None:
    """Seen: one that was not ready, but alive, was deleted, and its pods ran twice."""
    leaving = Leaving(tmp_path, answer)

    assert leaving.play("drain") == verbs
    assert "failed=0" in leaving.said


@pytest.mark.parametrize(("answer", "told"), [("worker2=True", False), ("worker2=False", True)])
def test_a_node_that_cannot_end_its_pods_is_told_how_to_go_on(
    tmp_path: Path, answer: str, *, told: bool
) -> None:
    leaving = Leaving(tmp_path, answer, verb="exit 1")

    assert leaving.play("drain") == ["drain"]
    assert "worker2 was not removed, because its pods were not evicted" in leaving.said
    assert ("stop its kubelet (systemctl stop kubelet)" in leaving.said) is told


def test_a_node_is_deleted_by_an_entry_point_of_its_own(tmp_path: Path) -> None:
    """Between the two the machine is reset: nothing that the node ran goes on."""
    assert Leaving(tmp_path).play("delete") == ["delete"]
