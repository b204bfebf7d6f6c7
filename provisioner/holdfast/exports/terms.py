"""Terms: fencing by the export itself, so that a former leader changes nothing.

A lease says who should lead. It cannot stop a system call that hangs, or a packet on its way to
the server, from taking effect after another replica has acquired the lease. So each term has a
folder, `.holdfast/terms/LEADER/NUMBER.EXPORT`, and every change that could harm a later term is a
rename into or out of it: of records, intents, and directories that are being moved. A new term
empties and removes the folders of all earlier ones. From then on such a rename fails on the
server, however late it arrives; what arrived before is carried over.

A term's folder is never empty. It is put in place by rename(2), which replaces only an empty
directory, so that only one replica gets each number. On a full export mkdir(2) fails but
rename(2) does not: a spare folder for the next term is made in advance.

A leader is the lease of one cluster, as several clusters may share an export. The folder's name
has the export's id, so that it is not found if another export is mounted.

A leader's name can change: the lease is named after the provisioner, and the cluster's uid may be
unreadable at first. A new term also ends the terms of its leader's former names. Their folders
keep the last number, so that no number is used twice.
"""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

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
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")  # of a term; any other one is a stray's
_LAST = 10**18 - 1
_ENDED = "_ended"  # instead of an export's id, which it cannot be: no replica's term


def path_of(term: Term) -> tuple[str, str, str]:
    """The path of a term's folder beneath `.holdfast`.

    Raises:
        Unsafe: the term's number, export or leader is invalid.
    """
    if term.number < 1 or not identity.is_id(term.export):
        raise Unsafe(f"invalid term: number {term.number}, export {term.export!r}")
    leader = term.leader
    return TERMS, _folder_of(leader.cluster, leader.lease), _name_of(term.number, term.export)


def begin(holdfast: int, leader: Leader, export_id: str, changes: Changes) -> Term:
    """Begins the next term of a leader and ends all earlier ones.

    Raises:
        Fenced: another term has begun meanwhile.
        ExportUnavailable: this cluster's uid is unknown, so that earlier terms may be another's.
    """
    folder = _folder_of(leader.cluster, leader.lease)
    _refuse_unknown_cluster(holdfast, leader)
    for parent, name in (((), TERMS), ((TERMS,), folder)):
        with tree.opened(holdfast, parent) as handle, suppress(FileExistsError):
            if not tree.exists(handle, name):  # on a full export mkdir(2) may say ENOSPC first
                changes.mkdir(handle, name, 0o700)
    try:
        return _begin_next(holdfast, leader, export_id, changes)
    except FileNotFoundError as error:  # the next term has removed this term's folder
        raise Fenced(f"another term of {leader.lease} has begun: this one ends") from error


def _begin_next(holdfast: int, leader: Leader, export_id: str, changes: Changes) -> Term:
    folder = _folder_of(leader.cluster, leader.lease)
    with tree.opened(holdfast, (TERMS, folder)) as terms:
        number = _claim_number(terms, export_id, leader, changes)
        with tree.opened(terms, [_name_of(number, export_id)]) as own:
            stuck = _end_earlier(terms, number, own, changes)
            end_formers(holdfast, leader, own, changes, stuck)
        _refuse_if_overtaken(terms, number, leader)
        for draft in _drafts(terms):  # of a `begin` that crashed or lost against this one
            with suppress(OSError, Unsafe):
                _take_away(terms, draft, changes)
        prepare(terms, changes)
    return Term(leader, number, export_id)


def end_formers(
    holdfast: int, leader: Leader, own: int, changes: Changes, stuck: Collection[str] = ()
) -> None:
    """Ends the terms of a leader's former names.

    The sweep repeats it: during a rollout that renames the provisioner, a replica of the former
    name may still begin a term.
    """
    held = set(stuck)
    for former in _former_folders_of(leader) & set(_leaders(holdfast)):
        with tree.opened(holdfast, (TERMS, former)) as others:
            held |= _end_all(others, own, leader, changes)
    ended_terms.restore_plain_names(own, INTENT, changes)
    ended_terms.restore_plain_names(own, MOVING, changes, held)


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


def prepare_next(holdfast: int, leader: Leader, changes: Changes) -> None:
    """As `prepare`, later in the term, when removing the last term's folder has freed room."""
    folder = _folder_of(leader.cluster, leader.lease)
    with tree.opened(holdfast, (TERMS, folder)) as terms:
        prepare(terms, changes)


def retry_stuck(
    holdfast: int, leader: Leader, own: int, changes: Changes, try_lock: ended_terms.TryLock
) -> None:
    """Retries to move the entries that were stuck when the term began."""
    stuck = set[str]()
    for folder in _own_folders_of(holdfast, leader):
        with tree.opened(holdfast, (TERMS, folder)) as terms:
            for name in filter(ended_terms.is_set_aside, _folders(terms)):
                stuck |= ended_terms.end(terms, name, own, changes, try_lock)
    ended_terms.restore_plain_names(own, MOVING, changes, stuck, try_lock)


def unresolved(holdfast: int, leader: Leader, own: int) -> tuple[str, ...]:
    """What earlier terms left for an administrator to resolve, a sentence each."""
    sentences = list[str]()
    for folder in _own_folders_of(holdfast, leader):
        with tree.opened(holdfast, (TERMS, folder)) as terms:
            sentences += ended_terms.unresolved(terms, own)
            sentences += (
                f"unknown entry .holdfast/{TERMS}/{folder}/{tree.shown(name)}: Holdfast leaves it; "
                "move it elsewhere"
                for name in _strays(terms)
            )
    return tuple(dict.fromkeys(sentences))


def moving(term: int) -> tuple[str, ...]:
    """The volumes whose directory is in a term's folder."""
    return ended_terms.volumes_with(term, MOVING)


def intents(term: int) -> tuple[str, ...]:
    """The volumes with an intent in a term's folder."""
    return ended_terms.volumes_with(term, INTENT)


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
    for leader in _leaders(holdfast):
        with suppress(FileNotFoundError), tree.opened(holdfast, (TERMS, leader)) as terms:
            for name in sorted(filter(_number_of, _folders(terms)), key=_number_of):
                with suppress(FileNotFoundError), tree.opened(terms, [name]) as term:
                    if tree.exists(term, entry):
                        return f"{TERMS}/{leader}/{name}"
    return ""


def clusters(holdfast: int) -> set[str]:
    """The uids of all clusters that ever had a term here; "" for one whose uid was unknown."""
    found = {_cluster_of(name) for name in _leaders(holdfast)}
    return {"" if cluster == _UNKNOWN else cluster for cluster in found}


def has_others(holdfast: int, leader: Leader) -> bool:
    """Whether another leader of this cluster, or of an unknown one, ever had a term here."""
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
        raise Unsafe(f"invalid leader: lease {lease!r}, cluster {cluster!r}")
    return name


def _cluster_of(folder: str) -> str:
    return folder.partition(".")[0]


def _former_folders_of(leader: Leader) -> set[str]:
    """The folders of this leader's former lease names, and of its time with an unknown uid."""
    own = _folder_of(leader.cluster, leader.lease)
    leases = (leader.lease, *leader.former)
    return {_folder_of(uid, lease) for lease in leases for uid in (leader.cluster, "")} - {own}


def _own_folders_of(holdfast: int, leader: Leader) -> list[str]:
    names = {_folder_of(leader.cluster, leader.lease), *_former_folders_of(leader)}
    return sorted(names & set(_leaders(holdfast)))


def _refuse_unknown_cluster(holdfast: int, leader: Leader) -> None:
    """Raises ExportUnavailable if existing terms may be this leader's or another cluster's."""
    if leader.cluster:
        return
    for name in sorted(_leaders(holdfast)):
        cluster = _cluster_of(name)
        names = {_folder_of(cluster, lease) for lease in (leader.lease, *leader.former)}
        if cluster != _UNKNOWN and name in names:
            raise ExportUnavailable(
                f"cluster {cluster} uses the same lease for this export ({name} in "
                f".holdfast/{TERMS}), and this cluster's uid is unknown: grant `get` on namespace "
                "kube-system, whose uid identifies the cluster"
            )


def _name_of(number: int, export_id: str) -> str:
    return f"{number}.{export_id}"


def _number_of(name: str) -> int:
    number = name.partition(".")[0]
    return int(number) if _NUMBER.fullmatch(number) else 0


def _numbers(terms: int) -> list[int]:
    return [_number_of(name) for name in _folders(terms)]


def _folders(terms: int) -> list[str]:
    """The names of the terms' folders; stray files are skipped."""
    with os.scandir(terms) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def _strays(terms: int) -> list[str]:
    """The names in a leader's folder that Holdfast does not make."""
    known = {name for name in _folders(terms) if _is_known(terms, name)}
    names = set(os.listdir(terms)) - known
    return sorted(name for name in names if not name.startswith(tree.REMOVED_IN_USE))


def _is_known(terms: int, name: str) -> bool:
    if name.startswith((_SPARE, _NEW)):
        return _is_draft(terms, name)
    return bool(_number_of(name)) or ended_terms.is_left(name)


def _drafts(terms: int) -> list[str]:
    """The drafts of terms' folders; one with anything else in it is a stray."""
    names = [name for name in _folders(terms) if name.startswith(_NEW)]
    return [name for name in names if _is_draft(terms, name)]


def _is_draft(terms: int, name: str) -> bool:
    """Whether a folder is complete or still in the making, perhaps by another replica."""
    return set(_holds(terms, name)) <= {ended_terms.FILLER}


def _spares(terms: int) -> list[str]:
    """The spare folders; one that does not hold just what Holdfast puts there is a stray."""
    names = sorted(name for name in _folders(terms) if name.startswith(_SPARE))
    return [name for name in names if _holds(terms, name) == [ended_terms.FILLER]]


def _holds(terms: int, name: str) -> list[str]:
    with suppress(OSError, Unsafe), tree.opened(terms, [name]) as folder:
        return os.listdir(folder)
    return []


def _claim_number(terms: int, export_id: str, leader: Leader, changes: Changes) -> int:
    """Makes the folder of the next number; raises Fenced if another replica was first."""
    before = max(_folders(terms), key=_number_of, default="")
    number, names = _number_of(before) + 1, set(os.listdir(terms))
    while _name_of(number, export_id) in names:  # a stray file, which no folder can replace
        number += 1
    if number > _LAST:
        raise Unsafe(
            f"no number is left after {_LAST} for a term of {leader.lease}: Holdfast has not begun "
            f"so many; move what has it in .holdfast/{TERMS} elsewhere"
        )
    try:
        with _still_there(terms, before if _number_of(before) else ""):
            _place_folder(terms, _name_of(number, export_id), changes)
    except OSError as error:
        # ENOENT: it removed the draft, or the term before.
        if error.errno in tree.NOT_EMPTY | {errno.ENOENT, errno.ESTALE}:
            raise Fenced(f"another term of {leader.lease} begins: this one ends") from error
        raise
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
    with tree.opened(terms, [name]) as held:
        yield
        there, was = os.stat(name, dir_fd=terms, follow_symlinks=False), os.fstat(held)
        if not os.path.samestat(there, was):
            raise FileNotFoundError(errno.ENOENT, "another folder has its name", name)


def _place_folder(terms: int, name: str, changes: Changes) -> None:
    """Renames a spare folder to a term's name, or makes a new folder."""
    for spare in _spares(terms):
        with suppress(FileNotFoundError):  # another beginning has taken it
            changes.rename(terms, spare, terms, name)
            return
    _make(terms, name, changes)


def _new_draft() -> str:
    return f"{_NEW}{_unique()}"


def _make(terms: int, name: str, changes: Changes) -> None:
    draft = _new_draft()
    changes.mkdir(terms, draft, 0o700)
    try:
        with tree.opened(terms, [draft]) as folder:
            changes.symlink(".", folder, ended_terms.FILLER)
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


def _unique() -> str:
    return uuid.uuid4().hex[:8]


def _remove(terms: int, draft: str, changes: Changes) -> None:
    """Removes a draft; one with anything else in it is a stray and stays."""
    with suppress(FileNotFoundError):
        with tree.opened(terms, [draft]) as folder:
            if set(os.listdir(folder)) - {ended_terms.FILLER}:
                return
            changes.unlink(folder, ended_terms.FILLER)
        changes.rmdir(terms, draft)


def _end_earlier(terms: int, number: int, own: int, changes: Changes) -> set[str]:
    """Ends the terms before a number; returns their stuck entries."""
    stuck = set[str]()
    for name in sorted(_folders(terms), key=_number_of):
        if 0 < _number_of(name) < number or ended_terms.is_set_aside(name):
            stuck |= ended_terms.end(terms, name, own, changes)
    return stuck


def _end_all(terms: int, own: int, leader: Leader, changes: Changes) -> set[str]:
    """Ends all terms of a former name; a term that begins meanwhile ends itself."""
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
