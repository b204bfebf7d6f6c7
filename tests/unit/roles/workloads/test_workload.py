"""What changed is known from what kubectl says, and where from what the example brings along."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.holdfast.nfs.plugins.modules.workload import changed, namespace_of, written

RENDERED = """\
apiVersion: v1
kind: Namespace
metadata:
  name: own
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: own
"""


def test_a_namespace_that_an_example_brings_is_its_namespace() -> None:
    assert namespace_of(RENDERED) == "own"
    assert namespace_of(RENDERED.partition("---\n")[2]) == ""


def test_only_what_was_changed_counts() -> None:
    said = "service/web unchanged\nstatefulset.apps/web configured\n\nservice/x created\n"

    assert changed(said) == ["statefulset.apps/web configured", "service/x created"]
    assert changed("service/web unchanged (server dry run)\n") == []


def test_files_are_there_as_long_as_they_are_needed() -> None:
    with written({"redis/class.yaml": "a", "mysql/base/x.sh": "b"}) as folder:
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    assert found == {"redis/class.yaml", "mysql/base/x.sh"}
    assert not Path(folder).exists()
