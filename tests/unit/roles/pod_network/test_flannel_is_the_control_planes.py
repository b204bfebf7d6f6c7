"""flannel's manifest is one for the whole cluster: the control plane alone applies it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.roles.reading import HERE, load, mappings
from tests.unit.roles.test_given_as_strings import evaluated


def holds(conditions: str | list[str], **variables: Any) -> bool:
    listed = [conditions] if isinstance(conditions, str) else conditions
    return all(evaluated(f"{{{{ {one} }}}}", **variables) for one in listed)


def condition() -> Any:
    tasks = load(HERE / "roles/pod_network/tasks/main.yml")
    (task,) = [one for one in tasks if one.get("ansible.builtin.include_tasks") == "flannel.yml"]
    return task["when"]


@pytest.mark.parametrize(("machine", "applies"), [("control", True), ("worker3", False)])
def test_a_worker_that_is_added_does_not_rewrite_the_network_of_the_cluster(
    machine: str,
    applies: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """A worker may not have the variables that the inventory gives to the control plane."""
    found = holds(condition(), inventory_hostname=machine, pod_network_control_plane="control")

    assert found is applies


def test_the_manifest_is_rendered_with_the_variables_of_no_other_machine() -> None:
    (task,) = load(HERE / "roles/pod_network/tasks/flannel.yml")

    assert "run_once" not in task
    assert "delegate_to" not in task


def test_no_template_is_rendered_with_the_variables_of_whoever_is_first() -> None:
    files = sorted((HERE / "roles").glob("*/tasks/*.yml"))
    once = [node for path in files for node in mappings(load(path)) if node.get("run_once")]

    assert once
    assert [node["name"] for node in once if "ansible.builtin.template" in str(node)] == []
