"""Terms: who may change an export now, decided on the export itself.

A lease says who should lead, but cannot stop a call that hangs in a system call, or a packet on
its way to the server, from taking effect after the lease has gone to another. So each term has a
folder of its own, `.holdfast/terms/LEADER/NUMBER.EXPORT`, and whatever could harm a later term
goes through it: records, intents, and directories on their way out are renamed into or out of
that folder. Whoever begins a term empties and removes the folders of all earlier ones. From
that moment such a rename fails on the server, however late it arrives; what had arrived before
is carried over. mkdir(2) makes the number of a term one replica's alone.

A leader is one cluster's lease: several clusters may have an export in common. With the export's
id in its name, the folder is not found where another export is mounted than the term is of.
"""

from __future__ import annotations

import os
from contextlib import suppress

from holdfast.claims.paths import components, shortened
from holdfast.exports import identity, tree
from holdfast.exports.changes import DRAFT, Changes
from holdfast.exports.errors import Fenced, Unsafe
from holdfast.exports.interface import Leader, Term

TERMS = "terms"
INTENT = "+"
MOVING = "-"

_UNKNOWN = "unknown"  # a cluster's uid
_ATTEMPTS = 100  # with each of which a former leader's last calls would have to come in between


def path_of(term: Term) -> tuple[str, str, str]:
    """The folder of a term, beneath `.holdfast`; raises Unsafe for a term that none can be."""
    if term.number < 1 or not identity.is_id(term.export):
        raise Unsafe(f"no term has the number {term.number} on an export {term.export!r}")
    return TERMS, _folder_of(term.leader), _name_of(term.number, term.export)


def begin(holdfast: int, leader: Leader, export_id: str, changes: Changes) -> Term:
    """Begins the next term of a leader, and ends all earlier ones.

    Raises:
        Fenced: another one has begun meanwhile.
    """
    folder = _folder_of(leader)
    for parent, name in (((), TERMS), ((TERMS,), folder)):
        with tree.opened(holdfast, parent) as handle, suppress(FileExistsError):
            changes.mkdir(handle, name, 0o700)
    with tree.opened(holdfast, (TERMS, folder)) as terms:
        number = max(_numbers(terms), default=0) + 1
        try:
            changes.mkdir(terms, _name_of(number, export_id), 0o700)
        except FileExistsError as error:
            raise Fenced(f"another term of {leader.lease} begins: this one does not") from error
        _end_earlier(terms, number, export_id, changes)
        if len([other for other in _numbers(terms) if other >= number]) > 1:
            raise Fenced(f"another term of {leader.lease} has begun: this one ends")
    return Term(leader, number, export_id)


def moving(term: int) -> tuple[str, ...]:
    """The volumes whose directory is in a term's folder."""
    return _with(term, MOVING)


def intents(term: int) -> tuple[str, ...]:
    """The volumes for which a directory was about to be made."""
    return _with(term, INTENT)


def clusters(holdfast: int) -> set[str]:
    """The clusters that ever changed this export; empty for one whose uid could not be read."""
    try:
        with tree.opened(holdfast, [TERMS]) as terms:
            found = {name.partition(".")[0] for name in _folders(terms)}
            return {"" if cluster == _UNKNOWN else cluster for cluster in found}
    except FileNotFoundError:
        return set()


def _folder_of(leader: Leader) -> str:
    name = shortened(f"{leader.cluster or _UNKNOWN}.{leader.lease}", "")
    if components(name) != (name,) or name.startswith("."):
        raise Unsafe(f"{leader.lease!r} of cluster {leader.cluster!r} is no leader's name")
    return name


def _with(term: int, prefix: str) -> tuple[str, ...]:
    names = sorted(os.listdir(term))
    return tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _name_of(number: int, export_id: str) -> str:
    return f"{number}.{export_id}"


def _number_of(name: str) -> int:
    number = name.partition(".")[0]
    return int(number) if number.isdecimal() else 0


def _numbers(terms: int) -> list[int]:
    return [_number_of(name) for name in _folders(terms)]


def _folders(terms: int) -> list[str]:
    """The names of the terms; those of files, which others have left there, are none."""
    with os.scandir(terms) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def _end_earlier(terms: int, number: int, export_id: str, changes: Changes) -> None:
    with tree.opened(terms, [_name_of(number, export_id)]) as own:
        for earlier in sorted(_folders(terms), key=_number_of):
            if 0 < _number_of(earlier) < number:
                _end(terms, earlier, own, changes)


def _end(terms: int, name: str, own: int, changes: Changes) -> None:
    """Removes the folder of an earlier term; what is still put into it is carried over first."""
    for _ in range(_ATTEMPTS):
        try:
            with tree.opened(terms, [name]) as earlier:
                _carry_over(earlier, own, changes)
            changes.rmdir(terms, name)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in tree.NOT_EMPTY:
                raise
        else:
            return
    raise Unsafe(f"the folder of term {name} cannot be emptied: end the process that writes to it")


def _carry_over(earlier: int, own: int, changes: Changes) -> None:
    for name in os.listdir(earlier):
        with suppress(FileNotFoundError):
            if not name.startswith(DRAFT):
                changes.rename(earlier, name, own, name)
            elif tree.is_directory(earlier, name):
                changes.rmdir(earlier, name)  # only empty ones are drafts (`remove_folder`)
            else:
                changes.unlink(earlier, name)
