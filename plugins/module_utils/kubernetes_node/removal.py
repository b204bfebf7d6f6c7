"""Which of a machine's files go with its node, in the order in which they go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from . import own
from .files import content
from .machine import SETTINGS, SETTINGS_FILE
from .traces import FINISHED, KUBERNETES, UNFINISHED

MODULES = ("overlay", "br_netfilter")
RESTORE = "etc/kubernetes/holdfast-restore"  # of a restore of etcd that was broken off
PROXY = "etc/default/kubelet-proxy"
# kubeadm empties these, and leaves them.
_OF_KUBEADM = ("manifests", "pki", "tmp", "")
_SHALLOWEST = 3  # parts of a path, with the root: /opt is the machine's, /opt/kubernetes the role's


def is_ours(root: Path, directory: str) -> bool:
    """Whether the role installed programs here, so that there is something of its to remove."""
    return any(own.is_link(root / own.LINKS / name, directory) for name in own.PROGRAMS)


def remove(root: Path, directory: str, *, check_mode: bool) -> list[str]:
    """Remove what is the role's; the paths of what was there.

    The link to the kubelet goes last, as by it the machine is known to be the role's: what was cut
    goes on with it.

    Args:
        root: of the machine's files
        directory: where the role's programs are
        check_mode: change nothing
    """
    if not is_ours(root, directory):
        return []
    found = [path for path in files(root, directory) if path.exists() or path.is_symlink()]
    if not check_mode:
        first, links = _parted(root, found)
        _unlink(first)
        _remove_empty(folders(root, directory))
        _unlink(links)
    return [f"/{path.relative_to(root)}" for path in found]


def files(root: Path, directory: str) -> Iterator[Path]:
    """The files that go, in this order.

    Args:
        root: of the machine's files
        directory: where the role's programs are
    """
    yield from (root / name for name in (UNFINISHED, FINISHED))
    yield from sorted((root / KUBERNETES).glob(f".{Path(UNFINISHED).name}.*"))  # of a cut write
    yield from sorted((root / RESTORE).glob("*"))
    yield from _of_kernel(root)
    yield from (root / name for name in (PROXY, own.UNIT) if own.is_written(root / name))
    for folder in versions(root, directory):
        yield from _of_programs(folder)
    links = (root / own.LINKS / name for name in own.PROGRAMS)
    yield from (link for link in links if own.is_link(link, directory))


def folders(root: Path, directory: str) -> Iterator[Path]:
    """The folders that go if nothing is in them any more."""
    yield root / RESTORE
    yield from (root / KUBERNETES / name for name in _OF_KUBEADM)
    yield from versions(root, directory)
    if len(Path(directory).parts) >= _SHALLOWEST:
        yield _inside(root, directory)


def _parted(root: Path, found: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    links = [path for path in found if path.parent == root / own.LINKS]
    return [path for path in found if path not in links], links


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _remove_empty(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()


def versions(root: Path, directory: str) -> list[Path]:
    """The folders of programs."""
    found = _inside(root, directory).glob("v*")
    return sorted(path for path in found if own.VERSION.fullmatch(path.name) and path.is_dir())


def _inside(root: Path, directory: str) -> Path:
    return root / Path(directory).relative_to("/")


def _of_kernel(root: Path) -> Iterator[Path]:
    """Settings and modules, unless somebody added to them."""
    settings = root / SETTINGS_FILE
    if _lines(settings) <= {f"{name}=1" for name in SETTINGS}:
        yield settings
    for module in MODULES:
        path = root / f"etc/modules-load.d/{module}.conf"
        if _lines(path) <= {module}:
            yield path


def _lines(path: Path) -> set[str]:
    text = content(path).decode(errors="replace")
    return {line.strip() for line in text.splitlines()} - {""}


def _of_programs(folder: Path) -> Iterator[Path]:
    """Each program with the checksum that the role keeps of it, and what a cut download left."""
    for name in own.PROGRAMS:
        yield from sorted(folder.glob(f".{name}.*"))
        checksum = folder / f"{name}.sha256"
        if checksum.exists():
            yield from (folder / name, checksum)
