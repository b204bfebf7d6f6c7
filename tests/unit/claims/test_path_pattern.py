"""`pathPattern`: what each field gives, what is refused, and when the default name is used."""

from __future__ import annotations

import pytest

from holdfast.claims.path_pattern import FIELDS
from tests.unit.claims.given import UID, claim, planned, refusal, storage_class

LABELS = {"app": "shop", "example.com/tier.v1": "gold"}
ANNOTATIONS = {
    "nfs.io/storage-path": "over/here",
    "volume.kubernetes.io/storage-provisioner": "example.com/nfs",
}


def directory(pattern: str) -> str:
    one = claim(labels=LABELS, annotations=ANNOTATIONS)
    return planned(one, storage_class({"pathPattern": pattern})).directory


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("${.PVC.namespace}", "team-a"),
        ("${.PVC.name}", "data"),
        ("${.PVC.uid}", UID),
        ("${.PV.name}", f"pvc-{UID}"),
        ("${.PVC.labels.app}", "shop"),
        ("${.PVC.labels.example.com/tier.v1}", "gold"),
        ("${.PVC.annotations.nfs.io/storage-path}", "over/here"),
        ("${.PVC.namespace}/${.PVC.annotations.nfs.io/storage-path}", "team-a/over/here"),
        ("${.PVC.namespace}-${.PVC.name}-${.PV.name}", f"team-a-data-pvc-{UID}"),
        ("k8s/${.PVC.name}$", "k8s/data$"),
        ("fixed (path)", "fixed (path)"),
        ("${.PVC.name}${.PVC.labels.none}", "data"),
    ],
)
def test_a_pattern_gives_the_path(pattern: str, expected: str) -> None:
    assert directory(pattern) == expected


def test_every_documented_field_is_known() -> None:
    for field in FIELDS:
        assert directory(f"x{field}").startswith("x")


@pytest.mark.parametrize(
    "pattern", ["", "${.PVC.labels.none}", "${.PVC.labels.none}${.PVC.annotations.none}"]
)
def test_a_path_that_is_empty_as_a_whole_becomes_the_default_name(pattern: str) -> None:
    assert directory(pattern) == f"team-a-data-pvc-{UID}"


@pytest.mark.parametrize(
    "field",
    [
        "${.PVC.nmae}",
        "${.PVC.labels}",
        "${.PVC.labels.}",
        "${.PV.uid}",
        "${PVC.name}",
        "${}",
        "${ .PVC.name }",
        "${.PVC.Name}",
    ],
)
def test_an_unknown_field_is_refused_and_the_known_ones_are_named(field: str) -> None:
    message = refusal(of=storage_class({"pathPattern": f"a/{field}"}))

    assert f"parameter 'pathPattern' has the unknown field {field!r}" in message
    assert "${.PVC.annotations.KEY}" in message


@pytest.mark.parametrize(
    "pattern", ["${.PVC.name", "a/${", "${.PVC.name}/${.PV.name", "${.PVC.labels.${.PV.name}}"]
)
def test_a_field_that_is_not_closed_is_refused(pattern: str) -> None:
    assert "without its '}'" in refusal(of=storage_class({"pathPattern": pattern}))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "empty component"),
        ("..", "component '..'"),
        ("../../etc", "component '..'"),
        (".", "component '.'"),
        ("/etc", "empty component"),
        ("a//b", "empty component"),
        ("a/", "empty component"),
        (".holdfast", "reserved component '.holdfast'"),
        (".HoldFast", "reserved component '.HoldFast'"),
        ("a/.HOLDFAST/trash", "reserved component '.HOLDFAST'"),
        (".holdfa\u017ft", "reserved component"),  # the long s folds to s
        ("\uff0e\uff48oldfast", "reserved component"),  # full-width letters
        (".Holdfa\ufb06-x", "reserved component"),  # a ligature of s and t
        (".hold\u200bfast", "reserved component"),  # a character without a shape
        (".holdfast-x/y", "reserved component '.holdfast-x'"),
        ("a/.holdfast/trash", "reserved component '.holdfast'"),
        (".snapshot/hourly.0/other/data", "component '.snapshot', a name that servers use"),
        ("a/.SnapShot", "component '.SnapShot', a name that servers use"),
        ("\uff0esnapshots/1", "a name that servers use"),  # a full-width dot
        (".zfs/snapshot/x", "a name that servers use"),
        ("lost+found", "a name that servers use"),
        ("@eaDir", "a name that servers use"),
        ("#recycle/x", "a name that servers use"),
        ("System Volume Information", "a name that servers use"),
        ("#snapshot", "a name that servers use"),
        ("$Recycle.Bin", "a name that servers use"),
        (".ckpt", "a name that servers use"),
        (".glusterfs", "a name that servers use"),
        (".snap", "a name that servers use"),
        (".snaps", "a name that servers use"),
        (".trashcan", "a name that servers use"),
        ("@Recently-Snapshot", "a name that servers use"),
        ("@Recycle", "a name that servers use"),
        ("~snapshot", "a name that servers use"),
        ("a\nb", "control character"),
        ("a\x00b", "control character"),
        ("a\x7fb", "control character"),
        ("a\x85b", "control character"),
        ("a\ud800b", "control character"),
        ("n" * 256, "more than 255 bytes"),
        ("ü" * 128, "more than 255 bytes"),
        ("/".join(["n" * 100] * 11), "more than 1024 bytes"),
        ("/".join(["ü" * 100] * 6), "more than 1024 bytes"),
        ("/".join(["n"] * 32), "more than 32 components"),
    ],
)
def test_what_a_label_or_annotation_must_not_say_is_refused(value: str, why: str) -> None:
    of = storage_class({"pathPattern": "${.PVC.namespace}/${.PVC.annotations.path}"})
    message = refusal(claim(annotations={**ANNOTATIONS, "path": value}), of)

    assert why in message
    assert "the directory's path " in message
    assert "change the labels or annotations of the claim, or the class" in message
    assert message.isprintable()


@pytest.mark.parametrize(
    "pattern",
    [
        "{{ .PVC.Namespace }}/{{ .PVC.Name }}",
        "{pvc.namespace}/x",
        "$(PVC_NAME)",
        "${.PVC.name}}",
        "a/{}",
    ],
)
def test_a_field_as_another_program_writes_it_is_refused(pattern: str) -> None:
    """Row 8 of the public cases: the first claim got a directory of that literal name."""
    message = refusal(of=storage_class({"pathPattern": pattern}))

    assert message.startswith(
        f"StorageClass 'nfs': parameter 'pathPattern' is {pattern!r}, with a "
    )
    assert "the fields are ${.PVC.namespace}, " in message


def test_a_value_may_have_any_of_their_characters() -> None:
    of = storage_class({"pathPattern": "${.PVC.annotations.path}"})

    assert planned(claim(annotations={**ANNOTATIONS, "path": "{a}$(b)"}), of).directory == "{a}$(b)"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("/${.PVC.name}", "'/x' is absolute: remove the leading slash"),
        ("x//${.PVC.name}", "'x//x' has an empty component"),
        ("${.PVC.name}/", "'x/' has an empty component"),
        ("../${.PVC.name}", "'../x' has the component '..'"),
        ("./x", "'./x' has the component '.'"),
        (".holdfast/${.PVC.name}", "has the reserved component"),
        (".snapshot/${.PVC.name}", "has the component '.snapshot', a name that servers use"),
        ("/".join(["n"] * 33), "has more than 32 components"),
    ],
)
def test_a_pattern_that_gives_no_claim_a_path_is_refused_as_the_classs(
    pattern: str, why: str
) -> None:
    """Row 10: only the first claim found it out."""
    message = refusal(of=storage_class({"pathPattern": pattern}))

    assert message.startswith(
        f"StorageClass 'nfs': parameter 'pathPattern' is {pattern!r}: with 'x'"
    )
    assert why in message


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("n" * 256, "a component of the directory's path has more than 255 bytes: "),
        ("n/" * 512 + "n", "the directory's path has more than 1024 bytes: "),
    ],
)
def test_a_path_that_is_too_long_is_shown_by_its_beginning(path: str, what: str) -> None:
    of, one = storage_class({"pathPattern": "${.PVC.annotations.path}"}), {"path": path}

    said = refusal(claim(annotations={**ANNOTATIONS, **one}), of)

    assert said.startswith(f"{what}{path[:40]!r}…, ")


def test_a_path_of_as_many_components_as_are_allowed_is_served() -> None:
    of = storage_class({"pathPattern": "${.PVC.annotations.path}"})
    deepest = "/".join(["n"] * 32)

    assert planned(claim(annotations={**ANNOTATIONS, "path": deepest}), of).directory == deepest


@pytest.mark.parametrize(
    "value",
    [
        "n" * 255,
        "ü" * 127,
        "...",
        ".hidden",
        "data ",
        "雪",
        "a\u202e",
        "holdfast",
        "x.holdfast",
        "snapshot",
        ".zfs-x",
    ],
)
def test_an_unusual_but_harmless_name_is_served(value: str) -> None:
    of = storage_class({"pathPattern": "${.PVC.labels.path}"})

    assert planned(claim(labels={"path": value}), of).directory == value
