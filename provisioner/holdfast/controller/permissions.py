"""What the provisioner asks of the API server: the least that works.

One table, for `holdfast check` and for the role that a cluster grants.
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
NEEDED_TO_LEAD: dict[Resource, tuple[str, ...]] = {LEASES: ("get", "create", "update")}


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether we may use one verb on one kind; `namespace` is empty for all of them."""

    verb: str
    resource: Resource
    namespace: str
    allowed: bool


def review(api: Api, namespace: str, *, leader_election: bool) -> Iterator[Permission]:
    """Asks the API server about every permission; raises KubeError."""
    for resource, verbs in NEEDED.items():
        for verb in verbs:
            yield _review(api, verb, resource, "")
    for resource, verbs in NEEDED_TO_LEAD.items() if leader_election else ():
        for verb in verbs:
            yield _review(api, verb, resource, namespace)


def _review(api: Api, verb: str, resource: Resource, namespace: str) -> Permission:
    group = resource.api.rpartition("/")[0]
    attributes = {"verb": verb, "group": group, "resource": resource.plural}
    if resource is NAMESPACES:
        attributes["name"] = "kube-system"
    if namespace:
        attributes["namespace"] = namespace
    body: Json = {
        "apiVersion": ACCESS_REVIEWS.api,
        "kind": ACCESS_REVIEWS.kind,
        "spec": {"resourceAttributes": attributes},
    }
    answer = api.create(ACCESS_REVIEWS, body)
    return Permission(verb, resource, namespace, bool(answer["status"].get("allowed")))
