"""Strays: entries among Holdfast's own that Holdfast does not make.

They are reported to the administrator and left: nobody knows whose they are. Operations skip
them, so that one of them does not stop the work on all volumes.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from holdfast.claims.errors import Refused
from holdfast.claims.paths import RESERVED, components
from holdfast.exports import empty_term_folders, fencing, probe, reserve
from holdfast.exports.errors import reason
from holdfast.exports.interface import Term
from holdfast.exports.operation import Operation


def found(op: Operation, term: Term) -> Iterator[str]:
    """What an administrator has to look at, a sentence each."""
    for name in probe.strays(op.ledger.handle):
        yield f"{RESERVED}/{name} is not a file: Holdfast leaves it; move it elsewhere"
    if why := reserve.why_unusable(op.ledger.handle):
        yield (
            f"cannot use {RESERVED}/{reserve.RESERVE} ({why}): Holdfast has no space kept for a "
            "full export; move it elsewhere"
        )
    for name in reserve.strays(op.ledger.handle):
        yield (
            f"unknown entry {name!r} in {RESERVED}/{reserve.RESERVE}: Holdfast skips it; move it "
            "elsewhere"
        )
    folder = "/".join((RESERVED, *fencing.path_of(term)))
    for name in empty_term_folders.strays(op.term):
        yield f"unknown entry {name!r} in {folder}: Holdfast skips it; move it elsewhere"
    for volume in fencing.intents(op.term):
        if why := _why_unusable(op, volume):
            yield (
                f"cannot use the intent {fencing.INTENT}{volume} in {folder} ({why}): Holdfast "
                "skips it; remove it"
            )


def _why_unusable(op: Operation, volume: str) -> str:
    """Why an entry cannot be an intent; "" if it can."""
    try:
        if target := op.intent(volume):
            components(target)
    except OSError as error:
        return "it is not a symlink" if error.errno == errno.EINVAL else reason(error)
    except Refused as refused:
        return str(refused)
    return ""
