"""What NFSv3 needs is decided once for a machine, and both roles are told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.unit.roles.reading import HERE, load, mappings
from tests.unit.roles.rendering import trusted

TOLD = {"nfs_server": "nfs_server_mounts_v3", "nfs_client": "nfs_client_serves_v3"}


def uses(playbook: str) -> dict[str, set[str]]:
    """The variables that each use of the two roles is given."""
    found: dict[str, set[str]] = {}
    for node in mappings(load(HERE / "playbooks" / playbook)):
        included = node.get("ansible.builtin.include_role", {}).get("name")
        name = str(node.get("role") or included).removeprefix("holdfast.nfs.")
        if name in TOLD:
            found[name] = {*node.get("vars", {})}
    return found


@pytest.mark.parametrize("playbook", ["storage.yml", "preflight.yml"])
def test_the_playbooks_tell_both_roles(playbook: str) -> None:
    assert uses(playbook) == {name: {variable} for name, variable in TOLD.items()}


def state(**variables: Any) -> str:
    """What becomes of the units."""
    own = load(HERE / "roles/nfs_client/vars/main.yml")
    templar = Templar(loader=DataLoader(), variables=trusted(own | variables))
    return str(templar.template(trusted("{{ __nfs_client_v3_units }}"))).strip()


def of_server(**variables: Any) -> list[dict[str, Any]]:
    """What the role nfs_server passes on, at each place."""
    files = [HERE / f"roles/nfs_server/tasks/{name}.yml" for name in ("service", "preflight")]
    nodes = [node for file in files for node in mappings(load(file))]
    passed = [node["vars"] for node in nodes if "nfs_client_v3" in node.get("vars", {})]
    templar = Templar(loader=DataLoader(), variables=trusted(variables))
    return [dict(templar.template(trusted(one))) for one in passed]


@pytest.mark.parametrize("serves", [True, False])
@pytest.mark.parametrize("mounts", [True, False])
def test_a_machine_that_is_server_and_node_keeps_its_units_at_every_run(
    *, serves: bool, mounts: bool
) -> None:
    needed = serves or mounts
    server = of_server(
        nfs_server_mounts_v3=needed, __nfs_server_v3=serves, nfs_server_idmap_domain=""
    )
    states = [state(**one) for one in server]

    assert len(states) == 2
    assert {*states, state(nfs_client_v3=mounts, nfs_client_serves_v3=needed)} == {
        "answering" if needed else "masked"
    }
