"""Which relative paths may be a volume's directory, and what it is called by default.

Nothing that a claim's author writes, in labels or annotations, can leave the export's root,
reach what Holdfast keeps for itself, or name the root as a whole (design, rule 1). A path for a
new volume is never cleaned: two spellings of one directory are how one tenant gets another's
data. Paths that others wrote are, to be compared.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from holdfast.claims.errors import Refused

RESERVED = ".holdfast"
# Folders in which servers keep snapshots, recycle bins, metadata and recovered files, some in each
# directory. Lower case: some servers ignore case. No new volume is made there; an inherited volume
# stays served.
SERVERS_OWN = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        ".ckpt",
        ".glusterfs",
        ".snap",
        ".snaps",
        ".snapshot",
        ".snapshots",
        ".trashcan",
        ".zfs",
        "@eadir",
        "@recently-snapshot",
        "@recycle",
        "lost+found",
        "system volume information",
        "~snapshot",
    }
)
COMPONENT_BYTES = 255  # NAME_MAX, limits.h(0p)
PATH_BYTES = 1024  # MNTPATHLEN, RFC 1813 appendix I: what a mount request can carry
# Of a new volume: each is some calls to the server, and a claim's author can name the path.
DEPTH = 32

_HASH_DIGITS = 8


@lru_cache(maxsize=1024)  # one operation asks about the same few paths again and again
def components(path: str) -> tuple[str, ...]:
    """The names on the way from the export's root to the directory `path`.

    Raises:
        Refused: the path is empty, absolute, too long, or has a component that is empty,
            `.`, `..`, reserved (in any case of letters), over 255 bytes, or holds a control
            character.
    """
    if not path:
        raise Refused("the directory's path is empty")
    if path.startswith("/"):
        raise Refused(f"the directory's path {path!r} is absolute: remove the leading slash")
    if _size(path) > PATH_BYTES:
        raise Refused(f"the directory's path has more than {PATH_BYTES} bytes: {path[:40]!r}…")
    names = tuple(path.split("/"))
    for name in names:
        _check(name, path)
    return names


def check(path: str) -> None:
    """Raises Refused where this cannot be the directory of a new volume."""
    names = components(path)
    if len(names) > DEPTH:
        raise Refused(f"the directory's path has more than {DEPTH} components")
    for name in names:
        if _folded(name) in SERVERS_OWN:
            raise Refused(
                f"the directory's path {path!r} has the component {name!r}, a name that servers "
                "use for snapshots or other folders of their own"
            )


def _check(name: str, path: str) -> None:
    if not name:
        raise Refused(f"the directory's path {path!r} has an empty component")
    if name in {".", ".."}:
        raise Refused(f"the directory's path {path!r} has the component {name!r}")
    if _is_reserved(name):
        raise Refused(f"the directory's path {path!r} has the reserved component {name!r}")
    if not name.isprintable() and any(map(_is_control, name)):
        raise Refused(f"the directory's path {path!r} has a control character")
    if _size(name) > COMPONENT_BYTES:
        raise Refused(
            f"a component of the directory's path has more than 255 bytes: {name[:40]!r}…"
        )


def _is_reserved(name: str) -> bool:
    """Whether a file system that ignores case could take the name for ours."""
    return _folded(name).startswith(RESERVED)


def _folded(name: str) -> str:
    """A name as a file system that ignores case may compare it.

    Such file systems may also take compatibility forms (full-width letters, ligatures) for the
    plain ones, and skip format characters, which have no shape.
    """
    if name.isascii():
        return name.lower()
    visible = "".join(one for one in name if unicodedata.category(one) != "Cf")
    return unicodedata.normalize("NFKC", visible).casefold()


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"}


def directory_name(namespace: str, claim: str, volume: str) -> str:
    """`namespace-claim-volume`, as nfs-subdir-external-provisioner names directories.

    A name of more than 255 bytes is cut to `START-HASH-volume`: HASH is the first 8 hex digits
    of the SHA-256 of the whole name, START as much of `namespace-claim` as fits.
    """
    return shortened(f"{namespace}-{claim}", f"-{volume}")


def archive_name(directory: str, suffix: str = "") -> str:
    """`archived-` and the last component of `directory`, then `suffix`; shortened alike."""
    return shortened("archived-" + directory.rpartition("/")[2], suffix)


def shortened(start: str, end: str) -> str:
    """`start` + `end` in at most 255 bytes: `start` gives way to a hash of the whole."""
    whole = start + end
    if _size(whole) <= COMPONENT_BYTES:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_HASH_DIGITS]
    room = COMPONENT_BYTES - _size(end) - len(digest) - 1
    kept = start.encode()[:room].decode(errors="ignore")
    return f"{kept}-{digest}{end}"


@lru_cache(maxsize=256)  # an event of a volume asks about the same few paths again and again
def cleaned(path: str) -> str | None:
    """The names in `path`, as Go's filepath.Join cleans it, without slashes at either end.

    None where `..` is in it: what that means depends on symbolic links.
    """
    names = [name for name in path.split("/") if name not in {"", "."}]
    return None if ".." in names else "/".join(names)


def overlap(one: str, other: str) -> bool:
    """Whether the directories are the same, or one lies within the other."""
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def parents_of(directory: str) -> Iterator[str]:
    """The directories above one, innermost first."""
    names = directory.split("/")
    return ("/".join(names[:depth]) for depth in range(len(names) - 1, 0, -1))


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
