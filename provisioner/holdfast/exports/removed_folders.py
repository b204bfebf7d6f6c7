"""How a folder that is a parent or a placeholder is removed: its name in the term's folder.

rmdir(2) at its path would be the simplest: it is atomic and never removes what holds something.
But it takes effect however late it arrives. A later leader may have removed that folder itself,
and made a volume's directory at its path, which is empty until a pod writes to it. So the folder
is first renamed into the term's folder, which fails once the term has ended (`fencing.py`).

rename(2), however, also moves a folder that is not empty any more: another cluster's leader, or an
administrator, may fill it until then. (Other calls of this process are kept out by locks: of a
parent by `Operation.pruning`, of a placeholder by that of its directory.) So its name in the term's
folder has its path, and it is put back there:

- by the call itself, whatever ends it, without asking whether it may still change something;
- if the process was killed, by the next term, before anything is created, or else by the next
  sweep (`restore_removed_folders.py`);
- before a parent is made at its path, which would be in the way (`parents.py`).

A path that is too long for such a name, with more than about 220 bytes, is removed with rmdir(2):
a late one can remove an empty directory there, but nothing that holds data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from holdfast.claims.paths import COMPONENT_BYTES
from holdfast.exports import tree

DRAFT = ".draft-"

_NAME = re.compile(rf"{re.escape(DRAFT)}removed-[0-9a-f]+-[0-9]+-(.+)", re.DOTALL)


def name_of(path: str, unique: str) -> str:
    """The name in the term's folder of a folder that is removed from a path; "" if too long."""
    coded = path.replace("%", "%25").replace("/", "%2F").replace("~", "%7E")
    name = f"{DRAFT}removed-{unique}-{coded}"
    return name if len(name.encode()) <= COMPONENT_BYTES else ""


def path_of(name: str) -> str:
    """The path that a folder with this name was removed from; "" if it is another entry."""
    match = _NAME.fullmatch(name)
    return unquote(match[1]) if match else ""


def found(term: int, path: str = "") -> Iterator[tuple[str, str]]:
    """The names and paths of the folders in a term's folder, or only those of one path."""
    for name in sorted(tree.folders(term)):
        was_at = path_of(name)
        if was_at and path in {"", was_at}:
            yield name, was_at
