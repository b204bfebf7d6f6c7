"""Plans for an export, and what is on it, in a form that can be compared."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from holdfast.claims.decide import Plan
from holdfast.claims.objects import Claim, ClaimRef, StorageClass
from holdfast.claims.ownership import Ownership
from holdfast.claims.parameters import Action
from holdfast.exports.export import Export
from holdfast.exports.record import Record

_STAMP = re.compile(r"\d{8}T\d{6}Z")


def plan(
    uid: str = "1",
    directory: str = "team/data",
    *,
    action: Action = Action.DELETE,
    policy: str = "Delete",
    shared: bool = False,
    ownership: Ownership | None = None,
) -> Plan:
    """A plan for volume `pvc-UID`, as `decide` makes it."""
    claim = Claim(
        ref=ClaimRef("team", f"data-{uid}", uid),
        version="1",
        class_name="nfs",
        provisioner="example.com/nfs",
        selected_node="",
        volume_name="",
        volume_mode="Filesystem",
        size="1Gi",
        access_modes=("ReadWriteMany",),
        has_selector=False,
        data_source="",
        labels={},
        annotations={},
    )
    storage_class = StorageClass("nfs", "example.com/nfs", {}, policy, (), False, False)
    owner = ownership or Ownership()
    return Plan(f"pvc-{uid}", directory, claim, storage_class, action, shared, owner)


def export_at(root: Path) -> Export:
    """An export that is prepared."""
    root.mkdir(exist_ok=True)
    made = Export(root)
    made.prepare()
    return made


def published(export: Export, uid: str = "1", directory: str = "team/data", **of: Any) -> Record:
    """The record of a directory whose volume exists."""
    export.create(plan(uid, directory, **of))
    export.confirm(f"pvc-{uid}")
    return found(export, uid)


def found(export: Export, uid: str = "1") -> Record:
    record = export.find(f"pvc-{uid}")
    assert record is not None
    return record


def adopted(uid: str = "1", directory: str = "team/data", **fields: Any) -> Record:
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
        **fields,
    )


def listing(root: Path, *, records: bool = True) -> dict[str, tuple[str, ...]]:
    """Everything beneath a root: path, and kind, mode, owner and content; times left out."""
    entries = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            entries[_without_times(str(path.relative_to(root)))] = _entry(path)
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
    return json.dumps(
        {**fields, "created": "", "moved": "", "target": _without_times(fields["target"])}
    )


def _is_record(text: str) -> bool:
    return text.startswith('{\n "volume"')


def _without_times(text: str) -> str:
    return _STAMP.sub("TIME", text)
