"""What a refusal says about a directory that another volume has.

Design, rule 2: a directory belongs to one live volume, and none lies within another's. Rule 7: a
refusal says what to change, which depends on the other volume and on what becomes of it.
"""

from __future__ import annotations

from holdfast.claims.constants import ALIASES
from holdfast.claims.objects import ClaimRef, Volume


def in_use(directory: str, other: str, volume: Volume) -> str:
    """The sentence for a directory that overlaps the one (`other`, if known) of a volume."""
    found = f"directory {directory!r} {_relation(directory, other)} volume {volume.name}"
    if not volume.provisioned_by:
        return f"{found}, which {_is_static(volume)}"
    if is_being_reclaimed(volume):
        return (
            f"{found}, which is being reclaimed: Holdfast will retry; if this lasts, see the "
            f"events of volume {volume.name}"
        )
    if not is_in_use(volume) and other == directory:
        return (
            f"directory {directory!r} is in use: volume {volume.name} is {volume.phase} and keeps "
            f"its directory: delete volume {volume.name} (the directory stays), or change "
            "pathPattern so that the claim gets another directory"
        )
    return taken(directory, other, volume.name, volume.claim)


def not_shared(directory: str, other: str, volume: Volume) -> str:
    """The sentence for a directory that is not reclaimed, because another volume has it too."""
    if other == directory:
        found = f"directory {directory!r} is also that of volume {volume.name}"
    else:
        found = f"directory {directory!r} overlaps {other!r}, that of volume {volume.name}"
    if not volume.provisioned_by:
        return (
            f"{found}, which somebody created by hand for {volume.server}:{volume.path}: its data "
            f"is left alone until volume {volume.name} is gone; or, if "
            f"{_name_all_addresses(volume)}"
        )
    found = (
        f"{found} of claim {volume.claim}, and no record says that they share it: its data is left "
        f"alone until volume {volume.name} is gone"
    )
    if is_being_reclaimed(volume):  # its events may only name the first one in turn
        return (
            f"{found}; if each of the two waits for the other, set the reclaim policy of both to "
            "Retain and delete both (the directory stays)"
        )
    return f"{found}; see the events of volume {volume.name}"


def taken(directory: str, other: str, volume: str, claim: ClaimRef) -> str:
    """The sentence for a directory that overlaps the one (`other`, if known) of a live volume."""
    whose = f"volume {volume} of claim {claim}" if claim.name else f"volume {volume}"
    found = f"directory {directory!r} {_relation(directory, other)} {whose}"
    if other == directory:
        return (
            f"{found}: change pathPattern so that each claim gets its own directory, or set "
            "sharedPaths: 'true' in the class"
        )
    return (
        f"{found}: change pathPattern so that each claim gets its own directory, none within "
        "another's"
    )


def is_being_reclaimed(volume: Volume) -> bool:
    """Whether a volume's provisioner is about to reclaim its directory, or has done so."""
    is_deleted = (volume.phase, volume.reclaim_policy) == ("Released", "Delete")
    return bool(volume.provisioned_by) and is_deleted


def is_in_use(volume: Volume) -> bool:
    """Whether a volume is a claim's, or is to be; a released one only keeps its data."""
    return volume.phase not in {"Released", "Failed"}


def _relation(directory: str, other: str) -> str:
    if other == directory:
        return "is the directory of"
    return f"overlaps {other!r}, the directory of" if other else "is or overlaps the directory of"


def _is_static(volume: Volume) -> str:
    """For a volume that a person made, perhaps of another server whose names do not tell."""
    return (
        f"somebody created by hand for {volume.server}:{volume.path}: change pathPattern so that "
        f"the claim gets another directory; or, if {_name_all_addresses(volume)}"
    )


def _name_all_addresses(volume: Volume) -> str:
    return (
        f"{volume.server} is not this export's server, name all addresses of this export's server "
        f"in {ALIASES}"
    )
