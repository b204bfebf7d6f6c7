"""What the provisioner asks of the API server: the least that works.

One table, for `holdfast check` and for the role that a cluster grants. A pod whose mount is
stale deletes itself where it may (`TO_DELETE_OWN_POD`); `holdfast check` does not insist on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.kube.api import Api
from holdfast.kube.resources import (
    ACCESS_REVIEWS,
    CLAIMS,
    CLASSES,
    EVENTS,
    LEASES,
    NAMESPACES,
    PODS,
    VOLUMES,
    Json,
    Resource,
)

NEEDED: dict[Resource, tuple[str, ...]] = {
    CLAIMS: ("get", "list", "watch"),
    VOLUMES: ("get", "list", "watch", "create", "patch", "delete"),
    CLASSES: ("list", "watch"),
    EVENTS: ("create", "patch"),
    NAMESPACES: ("get",),  # kube-system alone: its uid is the cluster's
}
# Of get and update, the one lease; what is created has no name when the permission is asked for.
NEEDED_TO_LEAD: dict[Resource, tuple[str, ...]] = {LEASES: ("get", "create", "update")}
TO_DELETE_OWN_POD: dict[Resource, tuple[str, ...]] = {PODS: ("delete",)}


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether we may use one verb on one kind; without `namespace` or `name`, on all of them."""

    verb: str
    resource: Resource
    namespace: str
    allowed: bool
    name: str = ""


def review(
    api: Api, namespace: str, *, leader_election: bool, lease: str = ""
) -> Iterator[Permission]:
    """Asks the API server about every permission; raises KubeError.

    Without the lease's name, it asks about all leases of the namespace.
    """
    for resource, verbs in NEEDED.items():
        name = "kube-system" if resource is NAMESPACES else ""
        for verb in verbs:
            yield _review(api, verb, resource, "", name)
    for resource, verbs in NEEDED_TO_LEAD.items() if leader_election else ():
        for verb in verbs:
            yield _review(api, verb, resource, namespace, "" if verb == "create" else lease)


def _review(api: Api, verb: str, resource: Resource, namespace: str, name: str) -> Permission:
    attributes = {
        "verb": verb,
        "group": resource.api.rpartition("/")[0],
        "resource": resource.plural,
        "namespace": namespace,
        "name": name,
    }
    body: Json = {
        "apiVersion": ACCESS_REVIEWS.api,
        "kind": ACCESS_REVIEWS.kind,
        "spec": {"resourceAttributes": attributes},
    }
    answer = api.create(ACCESS_REVIEWS, body)
    allowed = bool(answer["status"].get("allowed"))
    return Permission(verb, resource, namespace, allowed, name)
