"""Other exports: directories with a `.holdfast` of their own, beneath this export's root or above.

Two clusters may export one folder of a server, and a folder in it. Neither finds the other's
records. A volume that one makes within a volume of the other is removed with it, so no new volume
is made within another export, or as one.

What is there already stays in use and is reclaimed as usual. So is a volume with data that contains
`.holdfast`, as a backup of an export does: it is looked for only where a directory is about to
become a volume's.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from holdfast.claims.paths import RESERVED
from holdfast.exports import tree
from holdfast.exports.errors import Unsafe
from holdfast.exports.operation import Operation

_UNUSED = f"if no Holdfast uses that {RESERVED}, move it elsewhere"
_FOR_CLAIM = (
    "change pathPattern, or the annotation or label that it reads, so that the claim gets another "
    f"directory; {_UNUSED}"
)


def refuse_new(op: Operation, folder: int, path: str, directory: str) -> None:
    """Raises Unsafe if `folder`, open at `path` above a new volume's directory, is an export."""
    if _is_export(op, folder, path):
        raise Unsafe(f"{_within(directory, path)}: {_FOR_CLAIM}")


def refuse_existing(handle: int, directory: str) -> None:
    """Raises Unsafe if a directory that no record names, open as `handle`, is an export."""
    if tree.exists(handle, RESERVED):
        raise Unsafe(
            f"directory {directory!r} contains {RESERVED}, so it is another export, or a copy of "
            f"one: {_FOR_CLAIM}"
        )


def refuse_within(op: Operation, directory: str, advice: str) -> None:
    """Raises Unsafe, with the advice, if a directory lies within an export beneath the root."""
    names = directory.split("/")[:-1]
    with suppress(FileNotFoundError):
        for depth, folder in enumerate(tree.steps(op.root, names), 1):
            path = "/".join(names[:depth])
            if _is_export(op, folder, path):
                raise Unsafe(f"{_within(directory, path)}: {advice}; {_UNUSED}")


def report_above(root: Path) -> tuple[str, ...]:
    """What to do about an export that a root lies within, as far as this machine sees it.

    A client of the server does not see what is above the root that it mounts.
    """
    with suppress(OSError):
        if outer := _export_above(root):
            told = (
                f"{root} lies within another export, as {outer} contains {RESERVED}: the volumes "
                f"of one can lie within the other's; move one export elsewhere, or, {_UNUSED}"
            )
            return (told,)
    return ()


def _export_above(root: Path) -> Path | None:
    """The nearest folder above a root, in its file system, that contains `.holdfast`."""
    root = root.resolve()
    device = root.stat().st_dev
    for folder in root.parents:
        if folder.stat().st_dev != device:
            return None  # no rename from there reaches the root
        if os.path.lexists(folder / RESERVED):
            return folder
    return None


def _is_export(op: Operation, folder: int, path: str) -> bool:
    """Whether a folder contains `.holdfast`, and not as the data of a volume.

    nfs-subdir nests directories: an inner volume lies within the data of the outer one.
    """
    if not tree.exists(folder, RESERVED):
        return False
    return not any(map(op.ledger.find, op.ledger.owners(path)))


def _within(directory: str, path: str) -> str:
    return f"directory {directory!r} lies within another export, as {path!r} contains {RESERVED}"
