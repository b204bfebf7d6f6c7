"""A claim that asks for more than its volume has: StorageClasses may allow that.

Sizes are not enforced, so there is nothing to expand; its author must not wait for it.
"""

from __future__ import annotations

from holdfast.claims import quantity
from holdfast.claims.objects import Claim, Volume


def is_asked(claim: Claim) -> bool:
    """Whether a claim that has a volume asks for more than that has."""
    if not (claim.volume_name and claim.capacity) or claim.size == claim.capacity:
        return False
    wanted, has = quantity.parse(claim.size), quantity.parse(claim.capacity)
    return wanted is not None and has is not None and wanted > has


def answer(claim: Claim, volume: Volume) -> str:
    """What a claim that asks for more of this volume is told."""
    return (
        f"the claim asks for {claim.size}, and volume {volume.name} has {claim.capacity}: sizes "
        "are not enforced yet, so the claim can use all the space that is free on the export, and "
        f"nothing is expanded; volume and claim still show {claim.capacity}"
    )
