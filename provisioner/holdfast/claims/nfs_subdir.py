"""The rules of nfs-subdir-external-provisioner: where a volume's directory is, what becomes of it.

Source: its `cmd/nfs-subdir-external-provisioner/provisioner.go`. They hold for the volumes that
it made, and are laxer than ours: nothing in a class is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim
from holdfast.claims.parameters import Action, read_bool
from holdfast.claims.paths import cleaned

_FIELD = re.compile(r"\$\{\.PVC\.(.*?)\}")


def directory(parameters: Mapping[str, str], claim: Claim) -> str | None:
    """The directory that a class gives by `pathPattern`, relative to the export.

    Empty without a pattern, and where the pattern gives nothing but slashes; None where it leads
    through `..`, which that provisioner resolves and we do not follow.
    """
    path = parameters.get("pathPattern", "")
    for field in _FIELD.finditer(path):
        path = path.replace(field[0], _value(field[1], claim))
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


def _value(field: str, claim: Claim) -> str:
    kind, _, key = field.partition(".")
    known: Mapping[str, Mapping[str, str]] = {
        "labels": claim.labels,
        "annotations": claim.annotations,
    }
    if kind in known:
        return known[kind].get(key, "")
    return {"namespace": claim.ref.namespace, "name": claim.ref.name}.get(field, "")
