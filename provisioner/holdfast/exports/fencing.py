"""Terms: fencing by the export itself, so that a former leader changes nothing.

A lease says who should lead. It cannot stop a system call that hangs, or a packet on its way to
the server, from taking effect after another replica has acquired the lease. So each term has a
folder, `.holdfast/terms/LEADER/NUMBER.EXPORT`, and every change that could harm a later term is a
rename into or out of it: of records, intents, and directories that are being moved. A new term
empties and removes the folders of all earlier ones. From then on such a rename fails on the
server, however late it arrives; what arrived before is carried over.

The folder's name has the export's id, so that it is not found if another export is mounted.

A leader's name can change (`leader_folders.py`). A new term also ends the terms of its leader's
former names. Their folders keep the last number, so that no number is used twice.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

from holdfast.exports import empty_term_folders, export_id_file, leader_folders, term_folders, tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import Fenced, Unsafe, export_error
from holdfast.exports.interface import Leader, Term
from holdfast.exports.term_folders import ENDED, is_set_aside, number_of

TERMS = leader_folders.TERMS
INTENT = empty_term_folders.INTENT
MOVING = empty_term_folders.MOVING


class _NotEnded(OSError):
    """An earlier term's folder, `filename`, cannot be opened or removed, so no term begins.

    It could hold a volume's directory, and a late call of that term could still take effect.
    """


def path_of(term: Term) -> tuple[str, str, str]:
    """The path of a term's folder beneath `.holdfast`.

    Raises:
        Unsafe: the term's number, export or leader is invalid.
    """
    if term.number < 1 or not export_id_file.is_id(term.export):
        raise Unsafe(f"invalid term: number {term.number}, export {term.export!r}")
    folder = leader_folders.name_of(term.leader)
    return TERMS, folder, term_folders.name_of(term.number, term.export)


def begin(holdfast: int, leader: Leader, export_id: str, changes: Changes) -> Term:
    """Begins the next term of a leader and ends all earlier ones.

    Raises:
        Fenced: another term has begun meanwhile.
        ExportUnavailable: this cluster's uid is unknown, so that earlier terms may be another's.
    """
    folder = leader_folders.name_of(leader)
    leader_folders.refuse_unknown_cluster(holdfast, leader)
    for parent, name in (((), TERMS), ((TERMS,), folder)):
        with tree.opened(holdfast, parent) as handle, suppress(FileExistsError):
            if not tree.exists(handle, name):  # on a full export mkdir(2) may say ENOSPC first
                changes.mkdir(handle, name, 0o700)
    try:
        return _begin_next(holdfast, leader, export_id, changes)
    except FileNotFoundError as error:  # the next term has removed this term's folder
        raise Fenced(f"another term of {leader.lease} has begun: this one ends") from error
    except _NotEnded as error:
        name = f".holdfast/{TERMS}/…/{error.filename}"
        raise export_error(f"cannot begin a term before {name} has ended", error) from error


def _begin_next(holdfast: int, leader: Leader, export_id: str, changes: Changes) -> Term:
    folder = leader_folders.name_of(leader)
    with tree.opened(holdfast, (TERMS, folder)) as terms:
        number = _claim_number(terms, export_id, leader, changes)
        with tree.opened(terms, [term_folders.name_of(number, export_id)]) as own:
            stuck = _end_earlier(terms, number, own, changes)
            end_formers(holdfast, leader, own, changes, stuck)
        _refuse_if_overtaken(terms, number, leader)
        term_folders.remove_drafts(terms, changes)
        term_folders.prepare(terms, changes)
    return Term(leader, number, export_id)


def end_formers(
    holdfast: int, leader: Leader, own: int, changes: Changes, stuck: Collection[str] = ()
) -> None:
    """Ends the terms of a leader's former names.

    The sweep repeats it: during a rollout that renames the provisioner, a replica of the former
    name may still begin a term.
    """
    held = set(stuck)
    for former in leader_folders.former_names(holdfast, leader):
        with tree.opened(holdfast, (TERMS, former)) as others:
            held |= _end_all(others, own, leader, changes)
    empty_term_folders.restore_plain_names(own, INTENT, changes)
    empty_term_folders.restore_plain_names(own, MOVING, changes, held)


def prepare_next(holdfast: int, leader: Leader, changes: Changes) -> None:
    """Makes the next term's spare folder, if removing the last term's folder has freed room."""
    folder = leader_folders.name_of(leader)
    with tree.opened(holdfast, (TERMS, folder)) as terms:
        term_folders.prepare(terms, changes)


def retry_stuck(
    holdfast: int, leader: Leader, own: int, changes: Changes, try_lock: empty_term_folders.TryLock
) -> None:
    """Retries to move the entries that were stuck when the term began."""
    stuck = set[str]()
    for folder in leader_folders.own_names(holdfast, leader):
        with tree.opened(holdfast, (TERMS, folder)) as terms:
            for name in filter(is_set_aside, tree.folders(terms)):
                stuck |= empty_term_folders.end(terms, name, own, changes, try_lock)
    empty_term_folders.restore_plain_names(own, MOVING, changes, stuck, try_lock)


def unresolved(holdfast: int, leader: Leader, own: int) -> tuple[str, ...]:
    """What earlier terms left for an administrator to resolve, a sentence each."""
    sentences = list[str]()
    strays = [tree.shown(name) for name in leader_folders.strays(holdfast)]
    for folder in leader_folders.own_names(holdfast, leader):
        with tree.opened(holdfast, (TERMS, folder)) as terms:
            sentences += empty_term_folders.unresolved(terms, own)
            strays += (f"{folder}/{tree.shown(name)}" for name in term_folders.strays(terms))
    sentences += (
        f"unknown entry .holdfast/{TERMS}/{stray}: Holdfast leaves it; move it elsewhere"
        for stray in strays
    )
    return tuple(dict.fromkeys(sentences))


def moving(term: int) -> tuple[str, ...]:
    """The volumes whose directory is in a term's folder."""
    return empty_term_folders.volumes_with(term, MOVING)


def intents(term: int) -> tuple[str, ...]:
    """The volumes with an intent in a term's folder."""
    return empty_term_folders.volumes_with(term, INTENT)


def term_with_intent(holdfast: int, volume: str) -> str:
    """The path of any leader's term with an intent for a volume; "" if there is none."""
    return _term_with(holdfast, INTENT + volume)


def term_with_directory(holdfast: int, volume: str) -> str:
    """The path of any leader's term that is moving a volume's directory; "" if there is none."""
    return _term_with(holdfast, MOVING + volume)


def _term_with(holdfast: int, entry: str) -> str:
    """The path of a term with an entry; "" if there is none.

    Earlier terms are searched first: a later term takes their entries over.
    """
    for leader in leader_folders.names(holdfast):
        with suppress(FileNotFoundError), tree.opened(holdfast, (TERMS, leader)) as terms:
            for name in sorted(filter(number_of, tree.folders(terms)), key=number_of):
                with suppress(FileNotFoundError), tree.opened(terms, [name]) as term:
                    if tree.exists(term, entry):
                        return f"{TERMS}/{leader}/{name}"
    return ""


def _claim_number(terms: int, export_id: str, leader: Leader, changes: Changes) -> int:
    """Makes the folder of the next number; raises Fenced if another replica was first."""
    folders = tree.folders(terms)
    before = max(filter(number_of, folders), key=number_of, default="")
    number = _next_number(terms, folders, export_id, leader)
    try:
        with _still_there(terms, before):
            term_folders.place(terms, term_folders.name_of(number, export_id), changes)
    except OSError as error:
        # ENOENT: it removed the draft, or the term before.
        if error.errno in tree.NOT_EMPTY | {errno.ENOENT, errno.ESTALE}:
            raise Fenced(f"another term of {leader.lease} begins: this one ends") from error
        raise
    return number


def _next_number(terms: int, folders: Iterable[str], export_id: str, leader: Leader) -> int:
    number = max(map(term_folders.number_in, folders), default=0) + 1
    names = set(os.listdir(terms))
    while term_folders.name_of(number, export_id) in names:  # a file, which no folder can replace
        number += 1
    if number > term_folders.LAST:
        raise Unsafe(
            f"no term number is left after {term_folders.LAST} for {leader.lease}: Holdfast cannot "
            f"have begun so many; move the folder that has it in .holdfast/{TERMS} elsewhere"
        )
    return number


@contextmanager
def _still_there(terms: int, name: str) -> Iterator[None]:
    """Raises FileNotFoundError unless a folder is still at its name after the block.

    A number is free again once its term was ended, and a replica that was held up before it made
    the folder would get it a second time. But terms are ended in the order of their numbers, so
    the one before it is gone then. To look for later terms is not enough: a scan may miss a folder
    that is replaced meanwhile (readdir(3)).
    """
    if not name:
        yield
        return
    with _naming(name):
        held = tree.open_directory(terms, name)
    try:
        yield
        there, was = os.stat(name, dir_fd=terms, follow_symlinks=False), os.fstat(held)
        if not os.path.samestat(there, was):
            raise FileNotFoundError(errno.ENOENT, "another folder has its name", name)
    finally:
        os.close(held)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Has an error name the earlier term's folder; a missing one has another meaning."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _NotEnded(error.errno, error.strerror, name) from error


def _end_earlier(terms: int, number: int, own: int, changes: Changes) -> set[str]:
    """Ends the terms before a number; returns their stuck entries."""
    stuck = set[str]()
    for name in sorted(tree.folders(terms), key=number_of):
        if 0 < number_of(name) < number or is_set_aside(name):
            with _naming(name):
                stuck |= empty_term_folders.end(terms, name, own, changes)
    return stuck


def _end_all(terms: int, own: int, leader: Leader, changes: Changes) -> set[str]:
    """Ends all terms of a former name; a term that begins meanwhile ends itself."""
    names = [name for name in tree.folders(terms) if number_of(name)]
    if len(names) == 1 and names[0].endswith(f".{ENDED}"):
        return _end_earlier(terms, 0, own, changes)
    number = _claim_number(terms, ENDED, leader, changes)
    stuck = _end_earlier(terms, number, own, changes)
    _refuse_if_overtaken(terms, number, leader)
    return stuck


def _refuse_if_overtaken(terms: int, number: int, leader: Leader) -> None:
    if len([other for other in map(number_of, tree.folders(terms)) if other >= number]) > 1:
        raise Fenced(f"another term of {leader.lease} has begun: this one ends")
