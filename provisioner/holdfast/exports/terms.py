"""Terms: who may change an export now, decided on the export itself.

A lease says who should lead, but cannot stop a call that hangs in a system call, or a packet on
its way to the server, from taking effect after the lease has gone to another. So each term has a
folder of its own, `.holdfast/terms/LEADER/NUMBER.EXPORT`, and whatever could harm a later term
goes through it: records, intents, and directories on their way out are renamed into or out of
that folder. Whoever begins a term empties and removes the folders of all earlier ones. From
that moment such a rename fails on the server, however late it arrives; what had arrived before
is carried over. A term's folder is never empty: it comes into its place by rename(2), which
replaces nothing but what is empty, so that a number is one replica's alone. On a full export
mkdir(2) fails and rename(2) does not: a spare folder for the next term is made beforehand.

A leader is one cluster's lease: several clusters may have an export in common. With the export's
id in its name, the folder is not found where another export is mounted than the term is of.

A leader's name can change: the lease's does with the provisioner's, and the cluster's uid may not
be readable at first. Whoever begins a term ends those of its former names too. What is left in
such a folder is the last number, so that no number is given twice.
"""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Collection
from contextlib import suppress

from holdfast.claims.paths import components, shortened
from holdfast.exports import ended_terms, identity, tree
from holdfast.exports.changes import Changes
from holdfast.exports.errors import FULL, ExportUnavailable, Fenced, Unsafe
from holdfast.exports.interface import Leader, Term

TERMS = "terms"
INTENT = ended_terms.INTENT
MOVING = ended_terms.MOVING

_UNKNOWN = "unknown"  # a cluster's uid
_SPARE = ".spare"
_NEW = ".new-"
_ENDED = "_ended"  # in place of an export's id, which it cannot be: nobody's term


def path_of(term: Term) -> tuple[str, str, str]:
    """The folder of a term, beneath `.holdfast`; raises Unsafe for a term that none can be."""
    if term.number < 1 or not identity.is_id(term.export):
        raise Unsafe(f"no term has the number {term.number} on an export {term.export!r}")
    leader = term.leader
    return TERMS, _folder_of(leader.cluster, leader.lease), _name_of(term.number, term.export)


def begin(holdfast: int, leader: Leader, export_id: str, changes: Changes) -> Term:
    """Begins the next term of a leader, and ends all earlier ones.

    Raises:
        Fenced: another one has begun meanwhile.
        ExportUnavailable: it cannot be told whether earlier ones are this leader's.
    """
    folder = _folder_of(leader.cluster, leader.lease)
    _refuse_unknown_cluster(holdfast, leader)
    for parent, name in (((), TERMS), ((TERMS,), folder)):
        with tree.opened(holdfast, parent) as handle, suppress(FileExistsError):
            if not tree.exists(handle, name):  # a full export may refuse before it looks
                changes.mkdir(handle, name, 0o700)
    try:
        return _begin_next(holdfast, leader, export_id, changes)
    except FileNotFoundError as error:  # the next one removes what this one has just made
        raise Fenced(f"another term of {leader.lease} has begun: this one ends") from error


def _begin_next(holdfast: int, leader: Leader, export_id: str, changes: Changes) -> Term:
    folder = _folder_of(leader.cluster, leader.lease)
    with tree.opened(holdfast, (TERMS, folder)) as terms:
        number = _claim_number(terms, export_id, leader, changes)
        with tree.opened(terms, [_name_of(number, export_id)]) as own:
            stuck = _end_earlier(terms, number, own, changes)
            end_formers(holdfast, leader, own, changes, stuck)
        _refuse_if_overtaken(terms, number, leader)
        for draft in os.listdir(terms):
            if draft.startswith(_NEW):  # of a beginning that was cut short, or loses to this one
                _remove(terms, draft, changes)
        prepare(terms, changes)
    return Term(leader, number, export_id)


def end_formers(
    holdfast: int, leader: Leader, own: int, changes: Changes, stuck: Collection[str] = ()
) -> None:
    """Ends the terms of a leader's former names, also those that begin later.

    While a provisioner that is renamed is rolled out, a replica of the former name may lead still.
    """
    held = set(stuck)
    for former in _former_folders_of(leader) & set(_leaders(holdfast)):
        with tree.opened(holdfast, (TERMS, former)) as others:
            held |= _end_all(others, own, leader, changes)
    ended_terms.restore_plain_names(own, INTENT, changes)
    ended_terms.restore_plain_names(own, MOVING, changes, held)


def prepare(terms: int, changes: Changes) -> None:
    """Makes the spare folder that the next term begins with, where there is room for it."""
    if tree.exists(terms, _SPARE):
        return
    try:
        _make(terms, _SPARE, changes)
    except OSError as error:
        if error.errno not in FULL | tree.NOT_EMPTY:
            raise


def prepare_next(holdfast: int, leader: Leader, changes: Changes) -> None:
    """As `prepare`, while a term lasts: the folder that the last one left has made room by then."""
    folder = _folder_of(leader.cluster, leader.lease)
    with tree.opened(holdfast, (TERMS, folder)) as terms:
        prepare(terms, changes)


def retry_stuck(
    holdfast: int, leader: Leader, own: int, changes: Changes, try_lock: ended_terms.TryLock
) -> None:
    """Tries again to carry over what could not be moved when the term began."""
    stuck = set[str]()
    for folder in _own_folders_of(holdfast, leader):
        with tree.opened(holdfast, (TERMS, folder)) as terms:
            for name in filter(ended_terms.is_set_aside, os.listdir(terms)):
                stuck |= ended_terms.end(terms, name, own, changes, try_lock)
    ended_terms.restore_plain_names(own, MOVING, changes, stuck, try_lock)


def unresolved(holdfast: int, leader: Leader, own: int) -> tuple[str, ...]:
    """What earlier terms left that a person has to look at, a sentence each."""
    sentences = list[str]()
    for folder in _own_folders_of(holdfast, leader):
        with tree.opened(holdfast, (TERMS, folder)) as terms:
            sentences += ended_terms.unresolved(terms, own)
    return tuple(dict.fromkeys(sentences))


def moving(term: int) -> tuple[str, ...]:
    """The volumes whose directory is in a term's folder."""
    return ended_terms.volumes_with(term, MOVING)


def intents(term: int) -> tuple[str, ...]:
    """The volumes for which a directory was about to be made."""
    return ended_terms.volumes_with(term, INTENT)


def term_with_intent(holdfast: int, volume: str) -> str:
    """The folder of a term of any leader that is about to make a volume's directory, or ""."""
    return _term_with(holdfast, INTENT + volume)


def term_with_directory(holdfast: int, volume: str) -> str:
    """The folder of a term of any leader that has a volume's directory on its way out, or ""."""
    return _term_with(holdfast, MOVING + volume)


def _term_with(holdfast: int, entry: str) -> str:
    """The folder of a term with an entry.

    A later term takes over from an earlier one, so that the earlier is asked first.
    """
    for leader in _leaders(holdfast):
        with suppress(FileNotFoundError), tree.opened(holdfast, (TERMS, leader)) as terms:
            for name in sorted(filter(_number_of, _folders(terms)), key=_number_of):
                with suppress(FileNotFoundError), tree.opened(terms, [name]) as term:
                    if tree.exists(term, entry):
                        return f"{TERMS}/{leader}/{name}"
    return ""


def clusters(holdfast: int) -> set[str]:
    """The clusters that ever changed this export; empty for one whose uid could not be read."""
    found = {_cluster_of(name) for name in _leaders(holdfast)}
    return {"" if cluster == _UNKNOWN else cluster for cluster in found}


def has_others(holdfast: int, leader: Leader) -> bool:
    """Whether other leaders may ever have changed what this leader's cluster has on the export."""
    names = set(_leaders(holdfast)) - set(_own_folders_of(holdfast, leader))
    clusters_of = {_cluster_of(name) for name in names}
    return bool(clusters_of if not leader.cluster else clusters_of & {leader.cluster, _UNKNOWN})


def _leaders(holdfast: int) -> list[str]:
    try:
        with tree.opened(holdfast, [TERMS]) as leaders:
            return _folders(leaders)
    except FileNotFoundError:
        return []


def _folder_of(cluster: str, lease: str) -> str:
    name = shortened(f"{cluster or _UNKNOWN}.{lease}", "")
    if components(name) != (name,) or name.startswith("."):
        raise Unsafe(f"{lease!r} of cluster {cluster!r} is no leader's name")
    return name


def _cluster_of(folder: str) -> str:
    return folder.partition(".")[0]


def _former_folders_of(leader: Leader) -> set[str]:
    """Where this leader's terms were while its lease had another name, or its uid was unknown."""
    own = _folder_of(leader.cluster, leader.lease)
    leases = (leader.lease, *leader.former)
    return {_folder_of(uid, lease) for lease in leases for uid in (leader.cluster, "")} - {own}


def _own_folders_of(holdfast: int, leader: Leader) -> list[str]:
    names = {_folder_of(leader.cluster, leader.lease), *_former_folders_of(leader)}
    return sorted(names & set(_leaders(holdfast)))


def _refuse_unknown_cluster(holdfast: int, leader: Leader) -> None:
    """Raises ExportUnavailable where terms may be the leader's own, or those of another cluster."""
    if leader.cluster:
        return
    for name in sorted(_leaders(holdfast)):
        cluster = _cluster_of(name)
        names = {_folder_of(cluster, lease) for lease in (leader.lease, *leader.former)}
        if cluster != _UNKNOWN and name in names:
            raise ExportUnavailable(
                f"cluster {cluster} changes this export by the same lease ({name} in "
                f".holdfast/{TERMS}), and whether this is that cluster is not known: grant `get` "
                "on namespace kube-system, whose uid is the cluster's"
            )


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


def _claim_number(terms: int, export_id: str, leader: Leader, changes: Changes) -> int:
    """The next number, with its folder; raises Fenced where another was the first."""
    number = max(_numbers(terms), default=0) + 1
    try:
        _place_folder(terms, _name_of(number, export_id), changes)
    except OSError as error:
        if error.errno in tree.NOT_EMPTY | {errno.ENOENT}:  # it removes drafts
            raise Fenced(f"another term of {leader.lease} begins: this one does not") from error
        raise
    return number


def _place_folder(terms: int, name: str, changes: Changes) -> None:
    """Puts a folder of a term in its place: the spare one, else a new one."""
    try:
        changes.rename(terms, _SPARE, terms, name)
    except FileNotFoundError:
        _make(terms, name, changes)


def _make(terms: int, name: str, changes: Changes) -> None:
    draft = f"{_NEW}{uuid.uuid4().hex[:8]}"
    changes.mkdir(terms, draft, 0o700)
    try:
        with tree.opened(terms, [draft]) as folder:
            changes.symlink(".", folder, ended_terms.FILLER)
        changes.rename(terms, draft, terms, name)
    except OSError:
        with suppress(OSError):
            _remove(terms, draft, changes)
        raise


def _remove(terms: int, draft: str, changes: Changes) -> None:
    with suppress(FileNotFoundError):
        with tree.opened(terms, [draft]) as folder:
            changes.unlink(folder, ended_terms.FILLER)
        changes.rmdir(terms, draft)


def _end_earlier(terms: int, number: int, own: int, changes: Changes) -> set[str]:
    """Ends the terms before a number; the entries of volumes whose directory is stuck in one."""
    stuck = set[str]()
    for name in sorted(_folders(terms), key=_number_of):
        if 0 < _number_of(name) < number or ended_terms.is_set_aside(name):
            stuck |= ended_terms.end(terms, name, own, changes)
    return stuck


def _end_all(terms: int, own: int, leader: Leader, changes: Changes) -> set[str]:
    """Ends all terms of another name; one that begins at the same time ends itself."""
    names = [name for name in _folders(terms) if _number_of(name)]
    if len(names) == 1 and names[0].endswith(f".{_ENDED}"):
        return _end_earlier(terms, 0, own, changes)
    number = _claim_number(terms, _ENDED, leader, changes)
    stuck = _end_earlier(terms, number, own, changes)
    _refuse_if_overtaken(terms, number, leader)
    return stuck


def _refuse_if_overtaken(terms: int, number: int, leader: Leader) -> None:
    if len([other for other in _numbers(terms) if other >= number]) > 1:
        raise Fenced(f"another term of {leader.lease} has begun: this one ends")
