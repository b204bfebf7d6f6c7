"""`pathPattern`: where a class wants its directories.

The fields are those of nfs-subdir-external-provisioner, and the volume's name and the claim's
uid, which its users asked for. A label or annotation that a claim does not have is empty, as
there; a field that does not exist is refused, where it was silently empty.
"""

from __future__ import annotations

import re

from holdfast.claims import paths
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim

FIELDS = (
    "${.PVC.namespace}",
    "${.PVC.name}",
    "${.PVC.uid}",
    "${.PVC.labels.KEY}",
    "${.PVC.annotations.KEY}",
    "${.PV.name}",
)

# How other programs write their fields; in a path of ours they would be directories of that name.
_OTHERS_FIELD = re.compile(r"\$\(|[{}]")
_FIELD = re.compile(r"\$\{(?P<name>[^{}]*)\}")


def check(pattern: str) -> str:
    """The pattern, if every field in it exists, and claims can be served from it.

    Raises:
        Refused: an unknown field, a `${` that is not closed, another program's field, or a path
            that is none whatever the claim.
    """
    for match in _FIELD.finditer(pattern):
        if not _known(match["name"]):
            known = ", ".join(FIELDS)
            raise Refused(f"has the unknown field {match[0]!r}; the fields are {known}")
    rest = _FIELD.sub("", pattern)
    if "${" in rest:
        raise Refused(f"has a '${{' without its '}}': {pattern!r}")
    if _OTHERS_FIELD.search(rest):
        known = ", ".join(FIELDS)
        raise Refused(f"is {pattern!r}, with a field in another syntax; the fields are {known}")
    _check_path(pattern)
    return pattern


def _check_path(pattern: str) -> None:
    """Raises Refused where no claim's fields make a directory's path of the pattern."""
    if not pattern:
        return
    path = _FIELD.sub("x", pattern)
    try:
        paths.check(path)
    except Refused as refused:
        raise Refused(f"is {pattern!r}: with 'x' for each field, {refused.message}") from None


def render(pattern: str, claim: Claim, volume: str) -> str:
    """The path that a checked pattern gives for this claim; empty if all its fields are."""
    return _FIELD.sub(lambda match: _value(match["name"], claim, volume), pattern)


def _known(name: str) -> bool:
    simple = {".PVC.namespace", ".PVC.name", ".PVC.uid", ".PV.name"}
    return name in simple or bool(re.fullmatch(r"\.PVC\.(labels|annotations)\..+", name))


def _value(name: str, claim: Claim, volume: str) -> str:
    if name.startswith(".PVC.labels."):
        return claim.labels.get(name.removeprefix(".PVC.labels."), "")
    if name.startswith(".PVC.annotations."):
        return claim.annotations.get(name.removeprefix(".PVC.annotations."), "")
    fields = {
        ".PVC.namespace": claim.ref.namespace,
        ".PVC.name": claim.ref.name,
        ".PVC.uid": claim.ref.uid,
        ".PV.name": volume,
    }
    return fields[name]
