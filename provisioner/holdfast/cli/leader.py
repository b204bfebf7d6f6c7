"""Does a provisioner lead? Seen by its Lease, without taking it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from holdfast.kube.api import Api
    from holdfast.kube.resources import Json

_LOOK = 1.0  # seconds between two looks at a lease
_DURATION = 15.0  # of a lease that names none


def held_lease(api: Api, names: Collection[str]) -> str:
    """The Lease of one of these names that somebody holds, and who; empty where none is held.

    A holder that was killed stays in its Lease, so one is watched for as long as it lasts: no two
    machines' clocks are compared. Raises KubeError.
    """
    for lease in _leases(api, names):
        metadata, holder = lease["metadata"], lease["spec"]["holderIdentity"]
        where = f"{metadata['namespace']}/{metadata['name']}"
        click.echo(f"looking whether {holder} still renews Lease {where}", err=True)
        if _is_renewed(api, lease):
            return f"Lease {where} is held by {holder}"
    return ""


def _leases(api: Api, names: Collection[str]) -> Iterator[Json]:
    from holdfast.kube.resources import LEASES

    listed = (obj for page in api.pages(LEASES) for obj in page.items)
    for lease in listed:
        if lease["metadata"]["name"] in names and (lease.get("spec") or {}).get("holderIdentity"):
            yield lease


def _is_renewed(api: Api, lease: Json) -> bool:
    """Whether the lease's holder, or another, renews it before it runs out."""
    from holdfast.kube.errors import NotFound
    from holdfast.kube.lease_spec import ObservedLease
    from holdfast.kube.resources import LEASES

    metadata, observed = lease["metadata"], ObservedLease()
    observed.observe(lease)
    while (left := observed.free_in("", _DURATION)) > 0:
        time.sleep(min(left, _LOOK))
        try:
            now = api.get(LEASES, metadata["name"], metadata["namespace"])
        except NotFound:
            return False
        if now.get("spec") != lease["spec"]:
            return bool((now.get("spec") or {}).get("holderIdentity"))
    return False
