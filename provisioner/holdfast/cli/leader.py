"""Who leads? Seen by the Leases, without taking one.

A holder that was killed stays in its Lease, so whether one still leads is seen by its renewals.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from holdfast.claims import constants
from holdfast.claims.decide import Provisioner

if TYPE_CHECKING:
    from holdfast.kube.api import Api
    from holdfast.kube.resources import Json

_LOOK = 1.0  # seconds between two looks at a lease
_DURATION = 15.0  # of a lease that names none
_PATIENCE = 5.0  # seconds for a renewal by a holder whose last is old; it renews every 2 s
_AHEAD = 1.0  # seconds by which the holder's clock may be ahead of ours


def held_lease(api: Api, provisioner: Provisioner) -> str:
    """A Lease of the provisioner's exports that somebody holds, and who; empty where none is held.

    One is watched for as long as it lasts: no two machines' clocks are compared. Raises KubeError.
    """
    for lease in _held(api, provisioner):
        metadata, holder = lease["metadata"], holder_of(lease)
        where = f"{metadata['namespace']}/{metadata['name']}"
        click.echo(f"checking whether {holder} still renews Lease {where}", err=True)
        if _is_renewed(api, lease):
            return f"Lease {where} is held by {holder}"
    return ""


def holder_of(lease: Json) -> str:
    """Whose name a lease bears; empty where it is nobody's."""
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def annotations_of(lease: Json) -> Mapping[str, str]:
    """What the holder said of itself, and what others wrote."""
    return lease["metadata"].get("annotations") or {}


def provisioners_of(lease: Json) -> tuple[str, ...]:
    """The names under which the holder serves; none where nobody has said."""
    annotations = annotations_of(lease)
    name = annotations.get(constants.PROVISIONER, "")
    also = annotations.get(constants.ALSO_KNOWN_AS, "")
    return tuple(one for one in (name, *also.split()) if one)


def _held(api: Api, provisioner: Provisioner) -> Iterator[Json]:
    """The leases that bear somebody's name who serves one of the provisioner's names.

    Each says whose it is; that of an earlier version of Holdfast is known by its name.
    """
    from holdfast.kube.resources import LEASES

    names = {provisioner.lease_of(), *provisioner.former_leases_of()}
    for lease in (obj for page in api.pages(LEASES) for obj in page.items):
        served = any(map(provisioner.answers_to, provisioners_of(lease)))
        ours = served or lease["metadata"]["name"] in names
        if ours and holder_of(lease):
            yield lease


def _is_renewed(api: Api, lease: Json) -> bool:
    """Whether the lease's holder, or another, renews it before it runs out."""
    from holdfast.kube.lease_spec import ObservedLease

    observed = ObservedLease()
    observed.observe(lease)
    while (left := observed.free_in("", _DURATION)) > 0:
        time.sleep(min(left, _LOOK))
        now = _now(api, lease)
        if now.get("spec") != lease["spec"]:
            return bool(holder_of(now))
    return False


def _now(api: Api, lease: Json) -> Json:
    """The lease as it is now; without a spec if it was deleted."""
    from holdfast.kube.errors import NotFound
    from holdfast.kube.resources import LEASES

    metadata = lease["metadata"]
    try:
        return api.get(LEASES, metadata["name"], metadata["namespace"])
    except NotFound:
        return {"metadata": metadata}


@dataclass(slots=True)
class Seen:
    """A lease, and who leads by it: nobody if empty, and None while that is not known."""

    lease: Json
    leader: str | None = None

    def __post_init__(self) -> None:
        if not holder_of(self.lease) or _is_fresh(self.lease):
            self.leader = holder_of(self.lease)

    def look(self, api: Api) -> None:
        """Learns who leads if the lease has changed."""
        now = _now(api, self.lease)
        if now.get("spec") != self.lease.get("spec"):
            self.lease, self.leader = now, holder_of(now)


def seen(api: Api, leases: Iterable[Json]) -> list[Seen]:
    """The leases with their leaders; raises KubeError.

    A lease that was renewed lately by our clock has a leader. The others are watched for a few
    seconds, all together, since the clocks may differ.
    """
    found, deadline = [Seen(lease) for lease in leases], time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        unknown = [one for one in found if one.leader is None]
        if not unknown:
            break
        time.sleep(_LOOK)
        for one in unknown:
            one.look(api)
    return found


def _is_fresh(lease: Json) -> bool:
    """Whether a lease was renewed within its duration, if our clock is its holder's."""
    spec = lease.get("spec") or {}
    try:
        renewed = datetime.fromisoformat(str(spec.get("renewTime")))
        age = (datetime.now(UTC) - renewed).total_seconds()
    except (ValueError, TypeError):
        return False
    return -_AHEAD <= age <= float(spec.get("leaseDurationSeconds") or _DURATION)
