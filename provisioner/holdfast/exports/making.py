"""Making a volume's directory, and taking that back.

The record comes first and the directory second. Whatever a crash leaves between the two is
found by its record, and both are done again: each attempt asks anew whose the directory is.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable

from holdfast.claims.decide import Plan
from holdfast.claims.paths import components
from holdfast.exports import tree
from holdfast.exports.errors import Taken, Unsafe
from holdfast.exports.ledger import Ledger
from holdfast.exports.record import Record, State

# What rmdir(2) says where somebody has put data, or has put something else in its place.
_IN_USE = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}


def make(
    root: int, kept: Ledger, plan: Plan, succeeds: Collection[str], origin: str = ""
) -> Record:
    """Makes the directory of a plan, and its record; raises Taken and Unsafe."""
    components(plan.directory)  # raises Refused for a path that no rule gives
    # Looked for before its record: who makes it at the same time has written that first.
    there = tree.reaches(root, plan.directory)
    held = _held(root, kept, plan)
    if held is not None and kept.creating(held.volume) is None:
        _see(root, plan)  # the API server knows it, pods may use it: it is left as it is
        return held
    owners = _owners(kept, plan, {*succeeds, *(held.succeeds if held else ())})
    found = held.found if held else there
    if found:
        _see(root, plan)
    record = Record.of(
        plan,
        found=found,
        foreign=held.foreign if held else found and all(owner.foreign for owner in owners),
        succeeds=tuple(owner.volume for owner in owners if not _shares(plan, owner)),
        origin=origin,
    )
    kept.enter(record)
    if not found:
        _make(root, kept, plan)
    return record


def undo(root: int, kept: Ledger, record: Record) -> None:
    """Takes back what `make` did for a volume that is only in the making."""
    if kept.has_moved_on(record.volume):
        kept.confirm(record.volume)
        return
    if not (record.found or kept.others(record.directory, record.volume)):
        try:
            with tree.above(root, record.directory) as (parent, name):
                os.rmdir(name, dir_fd=parent)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in _IN_USE:
                raise
            # It stays, and the record says whose it was to be.
            kept.enter(record.settled(State.RETAINED))
            kept.confirm(record.volume)
            return
    kept.forget(record)


def _held(root: int, kept: Ledger, plan: Plan) -> Record | None:
    """The record of an earlier attempt; raises Taken where that was about something else."""
    held = kept.find(plan.volume)
    if held and held.directory != plan.directory and kept.creating(held.volume):
        undo(root, kept, held)  # the class was edited between two attempts
        held = kept.find(plan.volume)
    if held and (held.directory, held.state) != (plan.directory, State.LIVE):
        raise Taken(held.directory, [held])
    return held


def _owners(kept: Ledger, plan: Plan, succeeds: Collection[str]) -> list[Record]:
    """The records that the plan's directory is shared with or taken up from.

    Raises Taken for any other that is there.
    """
    owners = kept.others(plan.directory, plan.volume)
    strangers = [owner for owner in owners if not _shares(plan, owner)]
    _refuse_if_begun(kept, strangers)
    if not all(_is_succeeded(plan, stranger, succeeds) for stranger in strangers):
        raise Taken(plan.directory, strangers)
    return owners


def _refuse_if_begun(kept: Ledger, others: Iterable[Record]) -> None:
    """Raises Unsafe for a volume in the making: that nobody knows it yet does not make it gone."""
    for other in others:
        if kept.creating(other.volume):
            raise Unsafe(
                f"directory {other.directory!r} is being made for volume {other.volume} of claim "
                f"{other.claim}: let pathPattern give each claim its own"
            )


def _is_succeeded(plan: Plan, other: Record, succeeds: Collection[str]) -> bool:
    same = other.directory == plan.directory and other.in_place
    return same and other.volume in succeeds


def _shares(plan: Plan, other: Record) -> bool:
    same = other.directory == plan.directory and other.in_place
    return same and other.state is State.LIVE and plan.shared and other.shared


def _make(root: int, kept: Ledger, plan: Plan) -> None:
    owner, sync = plan.ownership, kept.sync_later
    with tree.above(root, plan.directory, make=True) as (parent, name):
        tree.make_directory(parent, name, owner.mode, owner.uid, owner.gid, sync=sync)


def _see(root: int, plan: Plan) -> None:
    """Sees that a directory that was there can be used; its mode and owner are its owner's."""
    with tree.above(root, plan.directory) as (parent, name):
        os.close(tree.open_directory(parent, name))
