"""The folders of one leader's terms on disk: their names, and how one is made and removed.

A term's folder is `NUMBER.EXPORT`. Any other name is a stray's, also if it begins with a number, as
that of an administrator's copy: it is not ended, but left and reported.

A term's folder is never empty. It is put in place by rename(2), which replaces only an empty
directory, so that only one replica gets each number. On a full export mkdir(2) fails but rename(2)
does not: a spare folder for the next term is made in advance. Where a tenant took the room for it,
the reserve has some (`reserve.py`).

`terms` is a handle of the leader's folder.
"""

from __future__ import annotations

import os
import re
import uuid
from contextlib import suppress

from holdfast.exports import export_id_file, tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import FULL, Unsafe

LAST = 10**18 - 1  # the highest number of a term
ENDED = "_ended"  # instead of an export's id, which it cannot be: no replica's term
FILLER = ".term"  # keeps each term's folder non-empty
SET_ASIDE = ".ended-"  # prefix of a folder that could not be emptied (`empty_term_folders.py`)
MISPLACED = ".left-"  # prefix of a folder whose place is unknown
AGAIN = "~"  # and a number: another entry of the same name; not allowed in Kubernetes names

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # of a term; any other one is a stray's
_SPARE = ".spare"
_NEW = ".new-"


def name_of(number: int, export_id: str) -> str:
    """The name of a term's folder."""
    return f"{number}.{export_id}"


def number_of(name: str) -> int:
    """The number of the term whose folder has a name; 0 if it is not a term's.

    With any export's id: where `holdfast exports accept` has replaced the id, terms of the former
    one must be ended too.
    """
    _, _, export_id = name.partition(".")
    return number_in(name) if export_id == ENDED or export_id_file.is_id(export_id) else 0


def number_in(name: str) -> int:
    """The number that a name begins with, if a term can have it; else 0.

    A stray's counts when the next number is chosen: if the folder was a term's and an administrator
    renamed it, a late call of that term would find another one with its number at its path.
    """
    number = name.partition(".")[0]
    return int(number) if _NUMBER.fullmatch(number) else 0


def is_set_aside(name: str) -> bool:
    """Whether a name is that of a term's folder that was ended but could not be emptied."""
    term = name.removeprefix(SET_ASIDE).partition(AGAIN)[0]
    return name.startswith(SET_ASIDE) and number_of(term) > 0


def strays(terms: int) -> list[str]:
    """The names in a leader's folder that Holdfast does not make."""
    known = {name for name in tree.folders(terms) if _is_known(terms, name)}
    names = set(os.listdir(terms)) - known
    return sorted(name for name in names if not name.startswith(tree.REMOVED_IN_USE))


def place(terms: int, name: str, changes: Changes) -> None:
    """Renames a spare folder to a term's name, or makes a new folder.

    Raises:
        OSError: (ENOTEMPTY, EEXIST) the name is another term's; (ENOENT) another replica removed
            the draft; (ENOSPC, EDQUOT) the export is full and there is no spare folder.
    """
    for spare in _spares(terms):
        with suppress(FileNotFoundError):  # another beginning has taken it
            changes.rename(terms, spare, terms, name)
            return
    _make(terms, name, changes)


def prepare(terms: int, changes: Changes) -> None:
    """Makes the spare folder for the next term, if the export has room."""
    for name in (_SPARE, f"{_SPARE}-{_unique()}"):  # the second one if the first is a stray
        if _spares(terms):
            return
        try:
            _make(terms, name, changes)
        except OSError as error:
            if error.errno not in FULL | tree.NOT_EMPTY:
                raise


def remove_drafts(terms: int, changes: Changes) -> None:
    """Removes the drafts of replicas that crashed, or that lost against the current term."""
    for draft in _drafts(terms):
        with suppress(OSError, Unsafe):
            _take_away(terms, draft, changes)


def _is_known(terms: int, name: str) -> bool:
    if name.startswith((_SPARE, _NEW)):
        return _is_draft(terms, name)
    return bool(number_of(name)) or is_set_aside(name) or name.startswith(MISPLACED)


def _drafts(terms: int) -> list[str]:
    """The drafts of terms' folders; one with anything else in it is a stray."""
    names = [name for name in tree.folders(terms) if name.startswith(_NEW)]
    return [name for name in names if _is_draft(terms, name)]


def _is_draft(terms: int, name: str) -> bool:
    """Whether a folder is complete or still in the making, perhaps by another replica."""
    return set(_holds(terms, name)) <= {FILLER}


def _spares(terms: int) -> list[str]:
    """The spare folders; one that does not hold just what Holdfast puts there is a stray."""
    names = sorted(name for name in tree.folders(terms) if name.startswith(_SPARE))
    return [name for name in names if _holds(terms, name) == [FILLER]]


def _holds(terms: int, name: str) -> list[str]:
    with suppress(OSError, Unsafe), tree.opened(terms, [name]) as folder:
        return os.listdir(folder)
    return []


def _make(terms: int, name: str, changes: Changes) -> None:
    draft = _new_draft()
    changes.mkdir(terms, draft, 0o700)
    try:
        with tree.opened(terms, [draft]) as folder:
            changes.symlink(".", folder, FILLER)
        changes.rename(terms, draft, terms, name)
    except OSError:
        with suppress(OSError):
            _remove(terms, draft, changes)
        raise


def _take_away(terms: int, draft: str, changes: Changes) -> None:
    """Removes another replica's draft, which it may be about to put in place.

    Under a name that it does not know: an emptied folder that it puts in place could be replaced.
    """
    taken = _new_draft()
    changes.rename(terms, draft, terms, taken)
    _remove(terms, taken, changes)


def _remove(terms: int, draft: str, changes: Changes) -> None:
    """Removes a draft; one with anything else in it is a stray and stays."""
    with suppress(FileNotFoundError):
        with tree.opened(terms, [draft]) as folder:
            if set(os.listdir(folder)) - {FILLER}:
                return
            changes.unlink(folder, FILLER)
        changes.rmdir(terms, draft)


def _new_draft() -> str:
    return f"{_NEW}{_unique()}"


def _unique() -> str:
    return uuid.uuid4().hex[:8]
