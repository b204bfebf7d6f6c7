"""The rules of nfs-subdir-external-provisioner: where a volume's directory is, what becomes of it.

Source: its `cmd/nfs-subdir-external-provisioner/provisioner.go`. They hold for the volumes that
it made, and are laxer than ours: nothing in a class is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, ClaimRef
from holdfast.claims.parameters import Action, read_bool
from holdfast.claims.paths import cleaned

_FIELD = re.compile(r"\$\{\.PVC\.(.*?)\}")


def directory(parameters: Mapping[str, str], ref: ClaimRef, claim: Claim | None) -> str | None:
    """The directory that a class gives a claim by `pathPattern`, relative to the export.

    Empty without a pattern, and where the pattern gives nothing but slashes; None where it leads
    through `..`, which that provisioner resolves and we do not follow, and where it names labels or
    annotations and the claim, None here, is gone with them.
    """
    path = parameters.get("pathPattern", "")
    for field in _FIELD.finditer(path):
        value = _value(field[1], ref, claim)
        if value is None:
            return None
        path = path.replace(field[0], value)
    return cleaned(path)


def action(parameters: Mapping[str, str]) -> Action:
    """What becomes of a directory; where that provisioner would fail, what loses nothing."""
    given = parameters.get("onDelete", "")
    if given in {Action.DELETE, Action.RETAIN}:
        return Action(given)
    try:
        archive = bool(given) or read_bool(parameters.get("archiveOnDelete", "true"))
    except Refused:
        archive = True
    return Action.ARCHIVE if archive else Action.DELETE


def target(path: str) -> str:
    """What versions 4.0.1 and 4.0.2 delete or archive for a volume with this path.

    Relative to the root of the export that they mount, whatever export the volume is on; empty for
    all of it.
    """
    name = path.rstrip("/").rpartition("/")[2]
    return "" if name in {".", ".."} else name


def _value(field: str, ref: ClaimRef, claim: Claim | None) -> str | None:
    kind, _, key = field.partition(".")
    if kind not in {"labels", "annotations"}:
        return {"namespace": ref.namespace, "name": ref.name}.get(field, "")
    if claim is None:
        return None
    return (claim.labels if kind == "labels" else claim.annotations).get(key, "")
