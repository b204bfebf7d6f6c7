"""The rules of nfs-subdir-external-provisioner, as its provisioner.go has them.

Design, rule 3: its volumes have no record; they are checked against its naming rules.
"""

from __future__ import annotations

import pytest

from holdfast.claims import nfs_subdir
from holdfast.claims.parameters import Action
from tests.unit.claims.given import claim

CLAIM = claim(
    namespace="ns",
    name="data",
    labels={"app": "shop", "example.com/tier.v1": "gold"},
    annotations={"path": "/data/x", "up": "../other", "nested": "${.PVC.name}"},
)


def directory(parameters: dict[str, str]) -> str | None:
    return nfs_subdir.directory(parameters, CLAIM.ref, CLAIM)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("${.PVC.namespace}-${.PVC.name}", "ns-data"),
        ("/${.PVC.namespace}-${.PVC.name}", "ns-data"),
        ("${.PVC.namespace}//${.PVC.name}/", "ns/data"),
        ("./${.PVC.name}/.", "data"),
        ("${.PVC.annotations.path}", "data/x"),
        ("${.PVC.labels.example.com/tier.v1}", "gold"),
        ("${.PVC.name}${.PVC.name}", "datadata"),
    ],
)
def test_fields_are_replaced_and_slashes_cleaned(pattern: str, expected: str) -> None:
    assert directory({"pathPattern": pattern}) == expected


def test_the_parameter_export_changes_neither_directory_nor_action() -> None:
    """So a class may be created again with it before its volumes are recorded."""
    given = {"pathPattern": "${.PVC.name}", "onDelete": "delete"}

    both = [(directory(one), nfs_subdir.action(one)) for one in (given, {**given, "export": "a"})]

    assert both == [("data", Action.DELETE)] * 2


@pytest.mark.parametrize(
    "field",
    [
        "${.PVC.nmae}",
        "${.PVC.uid}",
        "${.PVC.}",
        "${.PVC.labels}",
        "${.PVC.labels.}",
        "${.PVC.labels.none}",
        "${.PVC.annotations.none}",
        "${.PVC.labels.path}",
        "${.PVC.namespace.app}",
    ],
)
def test_an_unknown_field_is_replaced_by_nothing(field: str) -> None:
    assert directory({"pathPattern": f"a{field}b"}) == "ab"


@pytest.mark.parametrize(
    "text",
    ["${.PV.name}", "${PVC.name}", "${.PVCname}", "{.PVC.name}", "${.PVC.name", "{{ .PVC.Name }}"],
)
def test_everything_else_is_literal(text: str) -> None:
    assert directory({"pathPattern": f"a-{text}"}) == f"a-{text}"


def test_a_field_ends_at_the_first_brace() -> None:
    pattern = {"pathPattern": "${.PVC.labels.${.PVC.name}}/x"}

    assert directory(pattern) == "}/x"


def test_a_field_in_a_value_is_replaced_where_the_pattern_names_it_later() -> None:
    fields = "${.PVC.annotations.nested}-${.PVC.name}"

    assert directory({"pathPattern": fields}) == "data-data"


@pytest.mark.parametrize("parameters", [{}, {"pathPattern": ""}, {"pathPattern": "${.PVC.no}/"}])
def test_without_a_pattern_that_gives_a_name_there_is_no_directory(
    parameters: dict[str, str],
) -> None:
    assert directory(parameters) == ""


@pytest.mark.parametrize("pattern", ["${.PVC.annotations.up}", "a/../b"])
def test_a_path_that_goes_up_is_not_followed(pattern: str) -> None:
    assert directory({"pathPattern": pattern}) is None


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/${.PVC.namespace}-${.PVC.name}", "ns-data"),
        ("${.PVC.name}${.PVC.uid}", "data"),
        ("fixed", "fixed"),
        ("${.PVC.labels.app}", None),
        ("${.PVC.name}-${.PVC.annotations.none}", None),
        ("${.PVC.labels}", None),
    ],
)
def test_a_claim_that_is_gone_is_needed_for_labels_and_annotations_only(
    pattern: str, expected: str | None
) -> None:
    assert nfs_subdir.directory({"pathPattern": pattern}, CLAIM.ref, None) == expected


@pytest.mark.parametrize(
    ("parameters", "action"),
    [
        ({}, Action.ARCHIVE),
        ({"onDelete": "delete"}, Action.DELETE),
        ({"onDelete": "retain"}, Action.RETAIN),
        ({"onDelete": "delete", "archiveOnDelete": "true"}, Action.DELETE),
        ({"onDelete": "retain", "archiveOnDelete": "false"}, Action.RETAIN),
        ({"archiveOnDelete": "false"}, Action.DELETE),
        ({"archiveOnDelete": "F"}, Action.DELETE),
        ({"archiveOnDelete": "true"}, Action.ARCHIVE),
        ({"onDelete": "", "archiveOnDelete": "false"}, Action.DELETE),
        ({"odd": "x", "onDelete": "delete"}, Action.DELETE),
    ],
)
def test_the_parameters_say_what_becomes_of_a_directory_and_unknown_ones_nothing(
    parameters: dict[str, str], action: Action
) -> None:
    assert nfs_subdir.action(parameters) is action


@pytest.mark.parametrize("text", ["true", "Delete", "archive", "retian", " delete"])
@pytest.mark.parametrize("older", [{}, {"archiveOnDelete": "false"}, {"archiveOnDelete": "yes"}])
def test_any_other_on_delete_archives(text: str, older: dict[str, str]) -> None:
    """Row 6: `onDelete: "true"`."""
    assert nfs_subdir.action({"onDelete": text, **older}) is Action.ARCHIVE


@pytest.mark.parametrize("text", ["", "no", "FaLSE"])
def test_where_that_provisioner_fails_at_a_boolean_the_directory_is_archived(text: str) -> None:
    assert nfs_subdir.action({"archiveOnDelete": text}) is Action.ARCHIVE


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/srv/data", "data"),
        ("/srv/team/data/", "data"),
        ("/data", "data"),
        ("/", ""),
        ("/srv/.", ""),
        ("/srv/team/..", ""),
    ],
)
def test_the_last_component_of_the_path_is_what_it_deletes(path: str, target: str) -> None:
    """Its `filepath.Base`, joined to the mount point: the whole export where nothing is left."""
    assert nfs_subdir.target(path) == target
