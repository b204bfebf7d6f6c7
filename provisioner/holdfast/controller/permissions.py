"""The minimal permissions that the provisioner needs from the API server.

One table serves `holdfast check`, readiness and the documented roles. A pod with a stale mount
deletes itself if it may (`TO_DELETE_OWN_POD`); nothing requires that.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from holdfast.controller.requeue import MAY_BE_API_OUTAGE
from holdfast.kube.api import Api
from holdfast.kube.errors import ApiError
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
from holdfast.log import Logger

NEEDED: dict[Resource, tuple[str, ...]] = {
    CLAIMS: ("get", "list", "watch"),
    VOLUMES: ("get", "list", "watch", "create", "patch", "delete"),
    CLASSES: ("list", "watch"),
    EVENTS: ("create", "patch"),
    NAMESPACES: ("get",),  # only kube-system: its uid identifies the cluster
}
# get and update are for one lease; a create request has no name when it is authorised.
NEEDED_TO_LEAD: dict[Resource, tuple[str, ...]] = {LEASES: ("get", "create", "update")}
TO_DELETE_OWN_POD: dict[Resource, tuple[str, ...]] = {PODS: ("delete",)}

_WHILE_MISSING = 20.0  # seconds until permissions are asked for again
_WHILE_COMPLETE = 300.0

_log = Logger(__name__)


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a verb on a resource is allowed; without `namespace` or `name`, on all of them."""

    verb: str
    resource: Resource
    namespace: str
    allowed: bool
    name: str = ""

    @property
    def advice(self) -> str:
        """What to grant; several permissions on one resource need one rule."""
        group = self.resource.api.rpartition("/")[0]
        where = f" in namespace {self.namespace}" if self.namespace else ""
        which = f" (resourceNames: {self.name})" if self.name else ""
        return f"on '{self.resource.plural}' of API group '{group}'{which}{where}"


def missing(permissions: Iterable[Permission]) -> list[str]:
    """What to grant, a line for each rule that grants what is not allowed."""
    verbs: dict[Permission, list[str]] = {}
    for asked in permissions:
        if not asked.allowed:
            verbs.setdefault(replace(asked, verb=""), []).append(asked.verb)
    names: dict[tuple[Permission, bool, str], list[str]] = {}
    for one, listed in verbs.items():
        rule = replace(one, name=""), bool(one.name), ", ".join(map(repr, listed))
        names.setdefault(rule, []).append(one.name)
    return [
        f"permission missing: grant {listed} {replace(one, name=', '.join(named)).advice}"
        for (one, _, listed), named in names.items()
    ]


class Permissions:
    """What this replica may do, asked again from time to time: a grant needs no restart."""

    def __init__(
        self,
        ask: Callable[[], Iterable[Permission]],
        tell: Callable[[str], object],
        granted: Callable[[], object],
        *,
        finalizer: bool = True,
    ) -> None:
        """Asks nothing yet.

        Args:
            ask: reviews every permission; raises KubeError.
            tell: is told what is missing, once as long as it stays the same.
            granted: is called when PersistentVolumes may be patched from now on.
            finalizer: whether volumes are to have our finalizer.
        """
        self._ask = ask
        self._tell = tell
        self._granted = granted
        self._finalizer = finalizer
        self._denied: list[Permission] = []
        self._missing: list[str] = []
        self._may_patch_volumes: bool | None = None  # not asked yet
        self._ask_at = -math.inf

    @property
    def missing(self) -> list[str]:
        """What to grant for any export, a line for each rule; as of the last answers."""
        return missing(one for one in self._denied if not _is_of_lease(one))

    def missing_for(self, lease: str) -> list[str]:
        """As `missing`, what to grant for the export of this lease alone."""
        return missing(one for one in self._denied if _is_of_lease(one) and one.name == lease)

    def may_patch_volumes(self) -> bool:
        """Whether finalizers and annotations of PersistentVolumes may be changed.

        A finalizer that we may not take off would keep a volume for ever.
        """
        return bool(self._may_patch_volumes)

    def refresh(self) -> None:
        """Asks again if it is time to; raises ServerUnavailable, and waits for no answer else.

        Also one of `MAY_BE_API_OUTAGE` while there was no answer yet; later, the last answers stay.
        """
        if time.monotonic() < self._ask_at:
            return
        try:
            self._learn(self._answers())
        except MAY_BE_API_OUTAGE as error:  # as of an admission webhook that is down
            if self._may_patch_volumes is None:
                raise
            _log.warning("cannot review permissions again", reason=error.message)
        self._ask_at = time.monotonic() + (_WHILE_MISSING if self._missing else _WHILE_COMPLETE)

    def ask_soon(self) -> None:
        """Lets the next `refresh` ask, because other permissions are needed now."""
        self._ask_at = -math.inf

    def _answers(self) -> list[Permission]:
        try:
            return list(self._ask())
        except MAY_BE_API_OUTAGE:
            raise
        except ApiError as error:  # not even the question is allowed: take it all as granted
            _log.warning("cannot review permissions", reason=error.message)
            return []

    def _learn(self, answers: list[Permission]) -> None:
        self._denied = [one for one in answers if not one.allowed]
        before, self._missing = self._missing, missing(self._denied)
        if self._missing != before:
            self._say()
        may_patch = all(one.allowed for one in answers if _is_patch_of_volumes(one))
        could_patch, self._may_patch_volumes = self._may_patch_volumes, may_patch
        if self._finalizer and not may_patch and could_patch is not False:
            _log.warning(
                "volumes get no finalizer: without permission to patch persistentvolumes, Holdfast "
                "could not remove it, and they could never be deleted"
            )
        if may_patch and could_patch is False:
            self._granted()

    def _say(self) -> None:
        for line in self._missing:
            _log.warning(line)
        if self._missing:
            self._tell("; ".join(self._missing))
        else:
            _log.info("all permissions are granted")


def _is_patch_of_volumes(asked: Permission) -> bool:
    return asked.resource is VOLUMES and asked.verb == "patch"


def _is_of_lease(asked: Permission) -> bool:
    return asked.resource is LEASES and bool(asked.name)


def review(api: Api, namespace: str, leases: Collection[str] = ()) -> Iterator[Permission]:
    """Asks the API server about each permission; raises KubeError.

    `leases` are the names of those by which leaders are elected; "" stands for all in the
    namespace.
    """
    for resource, verbs in NEEDED.items():
        name = "kube-system" if resource is NAMESPACES else ""
        for verb in verbs:
            yield _review(api, verb, resource, "", name)
    for resource, verbs in NEEDED_TO_LEAD.items() if leases else ():
        for verb in verbs:
            for lease in ("",) if verb == "create" else leases:
                yield _review(api, verb, resource, namespace, lease)


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
