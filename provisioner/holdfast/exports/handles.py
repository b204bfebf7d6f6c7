"""Opens the directory handles of an operation on a mounted export, anew for each operation.

A handle kept from before may be of an export that was swapped, unmounted or removed since.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from holdfast.claims.paths import RESERVED
from holdfast.exports import empty_term_folders, export_id_file, fencing, tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import (
    ExportUnavailable,
    Failed,
    Fenced,
    TimedOut,
    WrongExport,
    export_error,
    of_the_export,
)
from holdfast.exports.interface import Grant, Term
from holdfast.exports.ledger import Ledger
from holdfast.exports.operation import AbandonedPaths, Operation, PathLocks


class Handles:
    """Opens an export's root, `.holdfast`, its records, and operations.

    Attributes:
        export_id: the expected id, set when a term begins; empty accepts any export.
        locks: locks of volumes' directories.
        abandoned: paths where a late call may still make something.
    """

    def __init__(self, root: Path, may_change: Callable[[], object]) -> None:
        """`may_change` is called before each change; raises if no change is allowed any more."""
        self.export_id = ""
        self.locks = PathLocks()
        self.abandoned = AbandonedPaths()
        self._root = root
        self._may_change = may_change
        self._parents = PathLocks()
        self._pruning = PathLocks()

    @contextmanager
    def root(self) -> Iterator[int]:
        """A handle of the root; raises ExportUnavailable if it cannot be opened."""
        what = f"cannot open the export's root {self._root}"
        try:
            handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            why = export_error(what, error)
            raise ExportUnavailable(why.message, stale=getattr(why, "stale", False)) from error
        try:
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def holdfast(self) -> Iterator[tuple[int, int]]:
        """Handles of the root and of `.holdfast`.

        Raises:
            ExportUnavailable: one of them cannot be opened.
            WrongExport: there is no `.holdfast`.
        """
        with self.root() as root:
            try:
                with of_the_export(f"cannot open {self._root / RESERVED}"):
                    handle = _open_holdfast(root, self._root)
            except Failed as failed:
                raise ExportUnavailable(failed.message) from failed
            try:
                yield root, handle
            finally:
                os.close(handle)

    @contextmanager
    def records(self) -> Iterator[Ledger]:
        """The records, read-only; raises WrongExport if the export's id is not `export_id`."""
        with self.holdfast() as (_, holdfast):
            info = export_id_file.read(holdfast)
            if self.export_id:
                export_id_file.check(info, self.export_id)
            with _closing(Ledger(holdfast, None, info.id)) as records:
                yield records

    @contextmanager
    def operation(self, grant: Grant) -> Iterator[Operation]:
        """An operation in a term; its changes are durable when it ends.

        Raises:
            Fenced: the term has ended.
        """
        with self.holdfast() as (root, holdfast), _opened_term(holdfast, grant.term) as term:
            check = partial(_check, term, grant, self._may_change)
            records = Ledger(holdfast, changes := Changes(check, term), grant.term.export)
            with changes, _closing(records):
                yield Operation(
                    root,
                    term,
                    records,
                    changes,
                    grant.term.leader.cluster,
                    grant.term.leader.takes_over,
                    self.locks,
                    self._parents,
                    self._pruning,
                    self.abandoned,
                    grant.left,
                )
                changes.sync()


def _open_holdfast(root: int, where: Path) -> int:
    try:
        return tree.open_directory(root, RESERVED)
    except FileNotFoundError:
        raise WrongExport(
            f"{where} has no {RESERVED}: mount the export on which the volumes were created, or, "
            "if this is to take its place, run `holdfast exports accept`"
        ) from None


@contextmanager
def _opened_term(holdfast: int, term: Term) -> Iterator[int]:
    handle = _open_term(holdfast, term)
    try:
        yield handle
    finally:
        os.close(handle)


def _open_term(holdfast: int, term: Term) -> int:
    with of_the_export("cannot open the term's folder"):
        try:
            return tree.open_path(holdfast, fencing.path_of(term))
        except FileNotFoundError as error:
            export_id_file.check(export_id_file.read(holdfast), term.export)
            raise Fenced(f"term {term.number} of {term.leader.lease} has ended") from error


def _check(term: int, grant: Grant, may_change: Callable[[], object]) -> None:
    """Raises Fenced, TimedOut or what `may_change` raises if no change is allowed any more."""
    may_change()
    if not grant.left():
        raise TimedOut(f"not done within {grant.seconds:g} s: Holdfast will retry")
    if empty_term_folders.is_ended(term):
        raise Fenced(f"term {grant.term.number} of {grant.term.leader.lease} has ended")


@contextmanager
def _closing(records: Ledger) -> Iterator[Ledger]:
    try:
        yield records
    finally:
        records.close()
