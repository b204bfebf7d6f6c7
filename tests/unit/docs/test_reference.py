from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast
from holdfast.claims.paths import SERVERS_OWN
from holdfast.controller.metrics import Metrics
from testbed import reference

DOCUMENTS = sorted(reference.DOCUMENTS.glob("*.md"))
README = reference.DOCUMENTS.parent / "README.md"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_tables_of_a_document_are_those_of_the_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert reference.current(text) == text, "run `make docs`"


def test_every_table_stands_in_some_document() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)

    assert set(re.findall(r"<!-- table: (\w+) -->", text)) == set(reference.TABLES)


@pytest.mark.parametrize("path", [README, *DOCUMENTS], ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_name_that_servers_use_is_documented() -> None:
    text = (reference.DOCUMENTS / "storageclass.md").read_text(encoding="utf-8").lower()

    assert [name for name in SERVERS_OWN if f"`{name}`" not in text] == []


OPERATIONS = reference.DOCUMENTS / "operations.md"
PACKAGE = Path(holdfast.__file__).parent


def calls(names: set[str]) -> Iterator[tuple[ast.Call, dict[str, str]]]:
    """The calls of functions and methods of these names, with their module's constants."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name) and isinstance(node.value.value, str)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in names:
                yield node, constants


def reasons() -> set[str]:
    """The reasons of events in the code: the first argument that looks like one."""
    found = set[str]()
    methods = {"normal", "normal_once", "warning", "volume_warning", "event", "_replica_warning"}
    for call, constants in calls(methods):
        for argument in call.args:
            text = constants.get(getattr(argument, "id", ""), getattr(argument, "value", ""))
            if isinstance(text, str) and re.fullmatch(r"([A-Z][a-z]+){2,}|Provisioning", text):
                found.add(text)
    return found


def test_every_reason_of_an_event_is_explained() -> None:
    text = OPERATIONS.read_text(encoding="utf-8")

    assert {"WrongExport", "TrashNotRemoved", "ProvisioningFailed", "Provisioning"} <= reasons()
    assert {reason for reason in reasons() if f"`{reason}`" not in text} == set()


def metrics() -> set[str]:
    """The names of the metrics of a process, as Prometheus has them."""
    watched = {call.args[0] for call, _ in calls({"watch"})}
    names = {one.value for one in watched if isinstance(one, ast.Constant)}
    for family in Metrics().registry.collect():
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        names.add(family.name + suffix)
    return {str(name) for name in names}


def test_every_metric_is_named() -> None:
    text = OPERATIONS.read_text(encoding="utf-8")
    ours = {name for name in metrics() if name.startswith("holdfast_")}

    assert {"holdfast_volumes_unknown_address", "holdfast_build_info", "holdfast_leader"} <= ours
    assert {name for name in ours if f"`{name}`" not in text} == set()
