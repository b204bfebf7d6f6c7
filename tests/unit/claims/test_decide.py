"""Served, waiting or refused: each branch of the decision, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.claims.decide import Plan, Provisioner, Refusal, Wait, decide
from holdfast.claims.objects import Volume
from holdfast.claims.ownership import Ownership
from holdfast.claims.parameters import Action
from tests.unit.claims.given import (
    BETA,
    GA,
    ME,
    NAME,
    UID,
    claim,
    decided,
    planned,
    refusal,
    storage_class,
    volume,
)

POPULATED = {"apiGroup": "example.com", "kind": "Backup", "name": "monday"}
SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}


def test_a_plain_claim_is_served_from_the_default_directory() -> None:
    plan = planned()

    assert plan.volume == f"pvc-{UID}"
    assert plan.directory == f"team-a-data-pvc-{UID}"
    assert plan.ref == claim().ref
    assert (plan.action, plan.shared, plan.use_existing) == (Action.ARCHIVE, False, False)


def test_the_plan_carries_what_the_class_says_of_existing_directories() -> None:
    assert planned(of=storage_class({"existingDirectories": "use"})).use_existing


def test_the_plan_carries_the_ownership_that_the_provisioner_gives() -> None:
    ours = Provisioner(name=NAME, ownership=Ownership(0o2770, 1000, 2000))

    plan = decide(claim(), storage_class(), ours, lambda _: ())

    assert isinstance(plan, Plan)
    assert plan.ownership == Ownership(0o2770, 1000, 2000)


@pytest.mark.parametrize(
    "annotations",
    [
        {GA: NAME},
        {BETA: NAME},
        {GA: NAME, BETA: "another/one"},
        {GA: "example.com/old-name"},
    ],
)
def test_a_claim_is_ours_by_either_annotation_and_the_ga_one_counts_first(
    annotations: dict[str, str],
) -> None:
    assert isinstance(decided(claim(annotations=annotations)), Plan)


@pytest.mark.parametrize(
    ("one", "of", "reason"),
    [
        (claim(volumeName="some-volume"), storage_class(), "it has a volume"),
        (claim(annotations={}), storage_class(), "another provisioner"),
        (claim(annotations={GA: "another/one"}), storage_class(), "another provisioner"),
        (
            claim(annotations={GA: "another/one", BETA: NAME}),
            storage_class(),
            "another provisioner",
        ),
        (claim(), storage_class(provisioner="another/one"), "'nfs' is another provisioner"),
        (
            claim(),
            storage_class(volumeBindingMode="WaitForFirstConsumer"),
            "waits for a pod",
        ),
    ],
)
def test_a_claim_that_is_not_ours_or_not_ready_waits(one: Any, of: Any, reason: str) -> None:
    result = decided(one, of)

    assert isinstance(result, Wait)
    assert reason in result.reason


def test_a_claim_whose_class_does_not_exist_is_refused_with_the_class() -> None:
    result = decide(claim(storageClassName="lost"), None, ME, lambda _: ())

    assert isinstance(result, Refusal)
    assert "StorageClass 'lost' does not exist" in result.message


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"volumeMode": "Block"}, "volumeMode"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "spec.selector"),
        ({"selector": {}}, "spec.selector"),
        ({"dataSource": {"kind": "VolumeSnapshot", "name": "s"}}, "spec.dataSource"),
        ({"dataSourceRef": SNAPSHOT}, "spec.dataSourceRef"),
        ({"dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "c"}}, "spec.dataSourceRef"),
        ({"resources": None}, "spec.resources.requests.storage"),
        ({"resources": {}}, "spec.resources.requests.storage"),
        ({"resources": {"limits": {"storage": "1Gi"}}}, "spec.resources.requests.storage"),
        ({"accessModes": None}, "spec.accessModes"),
        ({"accessModes": []}, "spec.accessModes"),
        ({"accessModes": ["ReadWriteMany", "ReadWriteSome"]}, "spec.accessModes"),
    ],
)
def test_what_nfs_cannot_do_is_refused_naming_the_field(spec: Any, field: str) -> None:
    result = decided(claim(**spec))

    assert isinstance(result, Refusal)
    assert field in result.message
    assert not result.retry


def test_the_refusal_of_access_modes_names_them_and_those_there_are() -> None:
    assert refusal(claim(accessModes=["ReadWriteMany", "ReadWriteSome"])) == (
        "access modes ['ReadWriteMany', 'ReadWriteSome'] are not supported: set spec.accessModes "
        "to some of ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod"
    )


def test_the_refusal_of_a_data_source_names_it() -> None:
    assert "'VolumeSnapshot s'" in refusal(
        claim(dataSource={"kind": "VolumeSnapshot", "name": "s"})
    )


def test_a_claim_with_a_populator_is_left_to_it_with_one_event() -> None:
    """Row 5: the event said "remove spec.dataSource", and the populator was never given a turn."""
    result = decided(claim(dataSourceRef=POPULATED))

    assert isinstance(result, Wait)
    assert result.event == "left to the populator of example.com/Backup monday"


def test_a_claim_with_a_populator_and_no_consumer_is_left_to_it() -> None:
    of = storage_class(volumeBindingMode="WaitForFirstConsumer")

    result = decided(claim(dataSourceRef=POPULATED), of)

    assert isinstance(result, Wait)
    assert result.event


def test_a_claim_with_a_populator_that_is_anothers_has_no_event() -> None:
    one = claim(dataSourceRef=POPULATED)

    assert decided(one, storage_class(provisioner="another/one")) == Wait(
        "StorageClass 'nfs' is another provisioner's", event=""
    )


def test_a_claim_that_waits_for_anything_else_has_no_event() -> None:
    result = decided(claim(volumeName="some-volume"))

    assert isinstance(result, Wait)
    assert not result.event


def test_a_class_with_topologies_is_refused_by_name() -> None:
    of = storage_class(allowedTopologies=[{"matchLabelExpressions": []}])

    assert refusal(of=of).startswith("StorageClass 'nfs': allowedTopologies are not supported")


@pytest.mark.parametrize("other", ["team", "team/nested", "team/nested/deeper"])
def test_a_directory_of_another_volume_is_refused_until_it_is_free(other: str) -> None:
    held = volume(name="pvc-other", annotations={"holdfast.io/directory": other})

    result = decided(of=storage_class({"pathPattern": "team"}), existing=[held])

    assert isinstance(result, Refusal)
    assert result.retry
    assert f"{other!r}" in result.message
    assert "pvc-other" in result.message


def test_the_place_of_a_volume_without_annotation_is_asked_for() -> None:
    """Row 3: a claim under an inherited directory."""
    held = volume(name="pvc-other")
    of = storage_class({"pathPattern": "team/nested", "sharedPaths": "true"})

    result = decide(claim(), of, ME, lambda _: [held], lambda volume: f"team{volume.directory}")

    assert isinstance(result, Refusal)
    assert result.message.startswith(
        "directory 'team/nested' overlaps 'team', the directory of volume pvc-other of claim "
    )


def test_a_shared_path_may_be_that_of_a_volume_without_annotation() -> None:
    of = storage_class({"pathPattern": "team", "sharedPaths": "true"})

    result = decide(claim(), of, ME, lambda _: [volume(name="pvc-other")], lambda _: "team")

    assert isinstance(result, Plan)


def test_the_volume_of_an_earlier_attempt_is_no_other_volume() -> None:
    held = volume(annotations={"holdfast.io/directory": "team"})

    assert isinstance(decided(of=storage_class({"pathPattern": "team"}), existing=[held]), Plan)


@pytest.mark.parametrize(("other", "kind"), [("team", Plan), ("team/nested", Refusal)])
def test_a_shared_path_is_the_same_path_and_none_within(other: str, kind: type) -> None:
    of = storage_class({"pathPattern": "team", "sharedPaths": "true"})
    held = volume(name="pvc-other", annotations={"holdfast.io/directory": other})

    assert isinstance(decided(of=of, existing=[held]), kind)


def test_of_those_that_share_a_path_one_is_looked_at() -> None:
    """Thousands may, and they come last."""
    of = storage_class({"pathPattern": "team", "sharedPaths": "true"})
    held = [volume(name=f"pvc-{n}", annotations={"holdfast.io/directory": "team"}) for n in "12"]
    left = iter(held)

    assert isinstance(decide(claim(), of, ME, lambda _: left), Plan)
    assert list(left) == held[1:]


def test_a_shared_path_is_waited_for_while_all_that_have_it_are_being_reclaimed() -> None:
    """They may not share it: their class may have said otherwise (two blocked each other)."""
    of = storage_class({"pathPattern": "team", "sharedPaths": "true"})
    annotations = {"pv.kubernetes.io/provisioned-by": NAME, "holdfast.io/directory": "team"}
    held = [volume(name=f"pvc-{n}", annotations=annotations, phase="Released") for n in "12"]

    result = decided(of=of, existing=held)

    assert isinstance(result, Refusal)
    assert result.retry
    assert "which is being reclaimed: Holdfast will retry" in result.message
    used = volume(name="pvc-3", annotations=annotations, phase="Bound")
    assert isinstance(decided(of=of, existing=[*held, used]), Plan)


@pytest.mark.parametrize("phase", ["Bound", "Available", "Pending"])
@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_a_shared_path_is_not_waited_for_while_its_volume_is_in_use(
    phase: str, policy: str
) -> None:
    of = storage_class({"pathPattern": "team", "sharedPaths": "true"})
    annotations = {"pv.kubernetes.io/provisioned-by": NAME, "holdfast.io/directory": "team"}
    held = volume(name="pvc-2", annotations=annotations, phase=phase, policy=policy)

    assert isinstance(decided(of=of, existing=[held]), Plan)


@pytest.mark.parametrize(
    ("phase", "policy"), [("Released", "Retain"), ("Failed", "Retain"), ("Failed", "Delete")]
)
def test_a_shared_path_is_waited_for_while_its_volume_only_keeps_its_data(
    phase: str, policy: str
) -> None:
    """The directory may be in the trash, and is to be moved back."""
    of = storage_class({"pathPattern": "team", "sharedPaths": "true"})
    annotations = {"pv.kubernetes.io/provisioned-by": NAME, "holdfast.io/directory": "team"}
    held = volume(name="pvc-2", annotations=annotations, phase=phase, policy=policy)

    result = decided(of=of, existing=[held])

    assert isinstance(result, Refusal)
    assert result.retry
    assert f"volume pvc-2 is {phase} and keeps its directory: delete volume" in result.message
    used = volume(name="pvc-3", annotations=annotations, phase="Bound")
    assert isinstance(decided(of=of, existing=[held, used]), Plan)


def test_the_volumes_in_the_way_are_asked_for_by_the_directory_of_the_plan() -> None:
    asked: list[str] = []

    def existing(path: str) -> list[Volume]:
        asked.append(path)
        return []

    decide(claim(), storage_class(), ME, existing)

    assert asked == [f"team-a-data-pvc-{UID}"]


@pytest.mark.parametrize(
    ("also", "export", "lease", "former"),
    [
        ((), "default", "example.com-nfs", ()),
        (("b/old", "a/old"), "default", "example.com-nfs", ("a-old", "b-old")),
        ((), "fast", "example.com-nfs-fast", ("example.com-nfs",)),
        (
            ("a/old",),
            "fast",
            "example.com-nfs-fast",
            ("a-old", "a-old-fast", "example.com-nfs"),
        ),
    ],
)
def test_an_export_knows_its_lease_and_those_that_it_had_before(
    also: tuple[str, ...], export: str, lease: str, former: tuple[str, ...]
) -> None:
    """Those before the provisioner or the export was renamed."""
    me = Provisioner("example.com/nfs", also=frozenset(also))

    assert (me.lease_of(export), me.former_leases_of(export)) == (lease, former)
