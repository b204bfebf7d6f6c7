"""Where objects are kept."""

from __future__ import annotations

import pytest

from holdfast.kube.resources import (
    ACCESS_REVIEWS,
    CLAIMS,
    CLASSES,
    EVENTS,
    LEASES,
    NAMESPACES,
    PODS,
    VOLUMES,
    Resource,
    key_of,
)


def test_a_namespaced_object_of_the_core_group_has_its_usual_path() -> None:
    assert CLAIMS.path("x", "y") == "/api/v1/namespaces/x/persistentvolumeclaims/y"


def test_without_a_namespace_the_path_is_that_of_all_namespaces() -> None:
    assert CLAIMS.path() == "/api/v1/persistentvolumeclaims"
    assert VOLUMES.path("n") == "/api/v1/persistentvolumes"


def test_a_named_group_is_under_apis() -> None:
    assert CLASSES.path() == "/apis/storage.k8s.io/v1/storageclasses"
    assert LEASES.path("n") == "/apis/coordination.k8s.io/v1/namespaces/n/leases"


@pytest.mark.parametrize(
    ("resource", "kind", "path"),
    [
        (CLAIMS, "PersistentVolumeClaim", "/api/v1/namespaces/n/persistentvolumeclaims/x"),
        (VOLUMES, "PersistentVolume", "/api/v1/persistentvolumes/x"),
        (CLASSES, "StorageClass", "/apis/storage.k8s.io/v1/storageclasses/x"),
        (EVENTS, "Event", "/api/v1/namespaces/n/events/x"),
        (LEASES, "Lease", "/apis/coordination.k8s.io/v1/namespaces/n/leases/x"),
        (
            ACCESS_REVIEWS,
            "SelfSubjectAccessReview",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/x",
        ),
        (NAMESPACES, "Namespace", "/api/v1/namespaces/x"),
        (PODS, "Pod", "/api/v1/namespaces/n/pods/x"),
    ],
)
def test_every_kind_is_where_kubernetes_keeps_it(resource: Resource, kind: str, path: str) -> None:
    assert (resource.kind, resource.path("n", "x")) == (kind, path)


def test_a_name_cannot_leave_its_place_in_the_path() -> None:
    assert VOLUMES.path("", "../a?b") == "/api/v1/persistentvolumes/..%2Fa%3Fb"


def test_a_namespaced_object_cannot_be_named_without_its_namespace() -> None:
    with pytest.raises(ValueError, match="PersistentVolumeClaim 'y' needs a namespace"):
        CLAIMS.path("", "y")


def test_a_key_is_namespace_and_name_or_the_name_alone() -> None:
    assert key_of({"metadata": {"namespace": "x", "name": "y"}}) == "x/y"
    assert key_of({"metadata": {"name": "y"}}) == "y"
