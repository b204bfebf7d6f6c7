"""Ending earlier terms: what is still in their folders is carried over, then these are removed.

Of one volume, two terms may have left a directory each, where a leader's name was another for a
while. Nobody can tell which is the volume's: both are kept, as `-VOLUME~NUMBER`, and `-VOLUME` is
a symlink that leads nowhere. Every operation that would move or remove the volume's directory
finds that, and refuses. Of intents each is ended in turn.
"""

from __future__ import annotations

import itertools
import os
import stat
from contextlib import suppress

from holdfast.exports import tree
from holdfast.exports.changes import DRAFT, Changes
from holdfast.exports.errors import Unsafe

INTENT = "+"
MOVING = "-"

_AGAIN = "~"  # in no Kubernetes object's name
_ATTEMPTS = 100  # with each of which a former leader's last calls would have to come in between


def volumes_with(term: int, prefix: str) -> tuple[str, ...]:
    """The volumes with an entry of one kind in a term's folder."""
    names = sorted(os.listdir(term))
    plain = (name for name in names if _AGAIN not in name)
    return tuple(name.removeprefix(prefix) for name in plain if name.startswith(prefix))


def end(terms: int, name: str, own: int, changes: Changes) -> None:
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


def release(own: int, changes: Changes) -> None:
    """Gives a volume's only entry its plain name again, as where the others were dealt with."""
    names = set(os.listdir(own))
    for plain in {name.partition(_AGAIN)[0] for name in names if name.startswith((INTENT, MOVING))}:
        others = sorted(name for name in names if name.startswith(plain + _AGAIN))
        is_held = plain in names
        if is_held and not _is_marker(own, plain):
            continue
        if plain.startswith(MOVING) and len(others) > 1:
            continue
        if is_held:
            changes.unlink(own, plain)
        if others:
            changes.rename(own, others[0], own, plain)


def left(own: int) -> tuple[str, ...]:
    """What a person has to look at, a sentence for each volume."""
    again = [name for name in os.listdir(own) if name.startswith(MOVING) and _AGAIN in name]
    volumes = sorted({name.partition(_AGAIN)[0].removeprefix(MOVING) for name in again})
    return tuple(
        f"earlier terms left several directories of volume {volume}, in .holdfast/terms/…/{MOVING}"
        f"{volume}{_AGAIN}NUMBER: move all but the right one to elsewhere"
        for volume in volumes
    )


def _carry_over(earlier: int, own: int, changes: Changes) -> None:
    for name in os.listdir(earlier):
        with suppress(FileNotFoundError):
            if not name.startswith(DRAFT):
                _carry(earlier, name, own, changes)
            elif tree.is_directory(earlier, name):
                changes.rmdir(earlier, name)  # only empty ones are drafts (`remove_folder`)
            else:
                changes.unlink(earlier, name)


def _carry(earlier: int, name: str, own: int, changes: Changes) -> None:
    plain = name.partition(_AGAIN)[0]
    if name == plain and not tree.exists(own, name):
        changes.rename(earlier, name, own, name)
    elif name.startswith(MOVING):
        _carry_directory(earlier, name, own, changes)
    elif name.startswith(INTENT) and _is_same_link(earlier, name, own, plain):
        changes.unlink(earlier, name)
    else:
        changes.rename(earlier, name, own, _free(own, plain))


def _carry_directory(earlier: int, name: str, own: int, changes: Changes) -> None:
    """Carries over one of several; a marker in its place comes first, then nothing is lost."""
    plain = name.partition(_AGAIN)[0]
    if tree.exists(own, plain) and not _is_marker(own, plain):
        changes.rename(own, plain, own, _free(own, plain))
    if not tree.exists(own, plain):
        changes.symlink(_AGAIN, own, plain)
    if _is_marker(earlier, name):
        changes.unlink(earlier, name)
    else:
        changes.rename(earlier, name, own, _free(own, plain))


def _free(own: int, plain: str) -> str:
    names = (f"{plain}{_AGAIN}{number}" for number in itertools.count(1))
    return next(name for name in names if not tree.exists(own, name))


def _is_marker(folder: int, name: str) -> bool:
    """Whether an entry stands for others; raises FileNotFoundError where there is none."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return name.startswith(MOVING) and stat.S_ISLNK(status.st_mode)


def _is_same_link(earlier: int, name: str, own: int, plain: str) -> bool:
    with suppress(FileNotFoundError):
        return os.readlink(name, dir_fd=earlier) == os.readlink(plain, dir_fd=own)
    return False
