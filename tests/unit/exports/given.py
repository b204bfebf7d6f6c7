"""Plans for an export, and what is on it, in a form that can be compared."""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from holdfast.claims.objects import ClaimRef
from holdfast.claims.ownership import Ownership
from holdfast.claims.parameters import Action
from holdfast.exports import path_owners
from holdfast.exports.export import Export
from holdfast.exports.interface import (
    DirectorySpec,
    ExportInterface,
    Grant,
    Leader,
    Moved,
    Takeover,
)
from holdfast.exports.record import Record

ID = "e4f1c2d0-0000-4000-8000-00000000000e"

_STAMP = re.compile(r"\d{8}T\d{6}Z")


def plan(
    uid: str = "1",
    directory: str = "team/data",
    *,
    action: Action = Action.DELETE,
    policy: str = "Delete",
    ownership: Ownership | None = None,
    namespace: str = "team",
    **more: Any,
) -> DirectorySpec:
    """The spec of the directory of volume `pvc-UID`; `more` are other attributes.

    One that shares its directory joins the others, unless told otherwise.
    """
    more = {"joins": more.get("shared", False), **more}
    owner = ownership or Ownership()
    return DirectorySpec(
        volume=f"pvc-{uid}",
        directory=directory,
        claim=ClaimRef(namespace, f"data-{uid}", uid),
        storage_class="nfs",
        size="1Gi",
        reclaim_policy=policy,
        on_delete=action,
        mode=owner.mode,
        uid=owner.uid,
        gid=owner.gid,
        **more,
    )


class Leading:
    """A process that leads, as a controller does: a term begins with its first change."""

    def __init__(
        self,
        root: Path,
        may_change: Callable[[], object] = lambda: None,
        *,
        cluster: str = "cluster",
        takes_over: tuple[str, ...] = (),
        exports: ExportInterface | None = None,
    ) -> None:
        self.root = root
        self.cluster = cluster
        self.takes_over = takes_over
        self.exports: ExportInterface = exports or Export(root, may_change)
        self._takeover: Takeover | None = None
        self._beginning = threading.Lock()

    @property
    def takeover(self) -> Takeover:
        with self._beginning:
            if self._takeover is None:
                leader = Leader(self.cluster, "nfs", takes_over=self.takes_over)
                self._takeover = self.exports.begin(leader)
            return self._takeover

    def begin(self) -> Takeover:
        """Begins the next term."""
        self._takeover = None
        return self.takeover

    @property
    def grant(self) -> Grant:
        return Grant(self.takeover.term)

    def create(self, spec: DirectorySpec, reuses: Collection[str] = ()) -> Record:
        return self.exports.create(self.grant, spec, tuple(reuses))

    def confirm(self, volume: str) -> None:
        self.exports.confirm(self.grant, volume)

    def undo(self, volume: str) -> None:
        self.exports.undo(self.grant, volume)

    def find(self, volume: str) -> Record | None:
        return self.exports.find(volume)

    def adopt(self, record: Record) -> Record:
        return self.exports.adopt(self.grant, record)

    def reclaim(self, volume: str, claim_uid: str, action: Action) -> Moved:
        return self.exports.reclaim(self.grant, volume, claim_uid, action)

    def probe(self) -> None:
        self.exports.probe()

    def reap(self, is_gone: Callable[[str], bool] = lambda _: True, *, entries: int = 10**6) -> int:
        """Empties the trash of the volumes that are gone; how many have something left."""
        left = 0
        for volume in self.exports.trashed():
            left += not (is_gone(volume) and self.exports.reap(self.grant, volume, entries).done)
        return left

    def unconfirmed(self) -> list[Record]:
        """The records in the making, as the next leader will find them."""
        return list(self.begin().unfinished)

    def recorded(self) -> set[str]:
        """The volumes with a record that are not in the trash."""
        folders = [self.root / ".holdfast" / name for name in ("creating", "volumes")]
        return {path.name for folder in folders for path in folder.iterdir()}


def export_at(root: Path, exports: ExportInterface | None = None, **more: Any) -> Leading:
    """An export with an id, and who leads it."""
    root.mkdir(exist_ok=True)
    made = Leading(root, exports=exports, **more)
    made.exports.initialise(ID)
    return made


def published(export: Leading, uid: str = "1", directory: str = "team/data", **of: Any) -> Record:
    """The record of a directory whose volume exists."""
    export.create(plan(uid, directory, **of))
    export.confirm(f"pvc-{uid}")
    return found(export, uid)


def found(export: Leading, uid: str = "1") -> Record:
    record = export.find(f"pvc-{uid}")
    assert record is not None
    return record


@contextmanager
def joining_at_once() -> Iterator[None]:
    """Has volumes join a directory that is not at its path, as a version before did."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(path_owners, "_refuse_if_elsewhere", lambda *_: None)
        yield


def adopted(
    uid: str = "1", directory: str = "team/data", *, inherited: bool = True, **fields: Any
) -> Record:
    """A record of a volume that was made without Holdfast."""
    return Record(
        volume=f"pvc-{uid}",
        directory=directory,
        claim=ClaimRef("team", f"data-{uid}", uid),
        storage_class="nfs",
        size="1Gi",
        reclaim_policy="Delete",
        on_delete=Action.ARCHIVE,
        found=True,
        inherited=inherited,
        **fields,
    )


def listing(root: Path, *, records: bool = True) -> dict[str, tuple[str, ...]]:
    """Everything beneath a root: path, and kind, mode, owner and content; times left out."""
    entries = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            if place := _without_terms(str(path.relative_to(root))):
                entries[_without_times(place)] = _entry(path)
    return {path: what for path, what in entries.items() if records or not _is_kept(path)}


def visible(root: Path) -> list[str]:
    """The paths on an export besides what Holdfast keeps there."""
    return sorted(listing(root, records=False))


def touched(root: Path) -> dict[str, tuple[int, ...]]:
    """What changes when anything happens to an entry besides being read."""
    seen: dict[str, tuple[int, ...]] = {}
    for folder, folders, files in os.walk(root):
        for path in (Path(folder), *(Path(folder, name) for name in (*folders, *files))):
            if not _is_kept(str(path.relative_to(root))):
                s = path.lstat()
                seen[str(path)] = (s.st_ino, s.st_mode, s.st_uid, s.st_mtime_ns, s.st_ctime_ns)
    return seen


def _without_terms(path: str) -> str:
    """Empty for the folders of terms and what makes them; what else lies in one has no number.

    The next term removes the drafts of those before.
    """
    place, is_term, rest = path.partition(".holdfast/terms")
    if not is_term:
        return path
    within = "/".join(rest.split("/")[3:])
    is_left = within and within != ".term" and within[:7] != ".draft-"
    return f"{place}.holdfast/terms/{within}" if is_left else ""


def drafts(root: Path) -> list[Path]:
    """What is not whole yet."""
    return list((root / ".holdfast/terms").rglob(".draft-*"))


def _is_kept(path: str) -> bool:
    return path.split("/", maxsplit=1)[0] == ".holdfast"


def _entry(path: Path) -> tuple[str, ...]:
    status = path.lstat()
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(status.st_mode):
        content = _content(path)
    return stat.filemode(status.st_mode), f"{status.st_uid}:{status.st_gid}", content


def _content(path: Path) -> str:
    text = path.read_text()
    if not _is_record(text):
        return text
    fields = json.loads(text)
    if "volume" not in fields:  # the export's id
        return json.dumps({**fields, "created": ""})
    inode = bool(fields.get("inode", {}).get("number"))
    target = _without_times(fields["target"])
    return json.dumps({**fields, "created": "", "moved": "", "target": target, "inode": inode})


def _is_record(text: str) -> bool:
    return text.startswith(('{\n "volume"', '{\n "id"'))


def _without_times(text: str) -> str:
    return _STAMP.sub("TIME", text)


def opened(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> int:
    """How often open(2) is called meanwhile."""
    count, real = [0], os.open

    def counted(*given: object, **place: object) -> int:
        count[0] += 1
        return real(*given, **place)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", counted)
        call()
    return count[0]
