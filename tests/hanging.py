"""`holdfast run` on an export whose calls hang while a flag file says so.

A program of its own, for a test to start: a kernel without NFS has no file system that hangs.
The flags are files in `$HANGING`: one named after a claim holds the calls about its volume, one
named `everything` holds all calls, the probe too, and one named `all-of-ROOT` those to the export
that is mounted at a folder ROOT.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from holdfast.claims.parameters import Action
from holdfast.cli import main
from holdfast.controller import export_controller
from holdfast.exports.export import Export
from holdfast.exports.interface import DirectorySpec, ExportInfo, Grant, Leader, Moved, Takeover
from holdfast.exports.record import Record

_FLAGS = Path(os.environ["HANGING"])


class Hanging(Export):
    """An export that answers only when no flag stands against it."""

    def _hang(self, name: str = "") -> None:
        flags = [_FLAGS / one for one in ("everything", f"all-of-{self._root.name}", name) if one]
        while any(flag.exists() for flag in flags):
            time.sleep(0.05)

    def inspect(self) -> ExportInfo:
        self._hang()
        return super().inspect()

    def begin(self, leader: Leader) -> Takeover:
        self._hang()
        return super().begin(leader)

    def create(self, grant: Grant, spec: DirectorySpec, reuses: tuple[str, ...] = ()) -> Record:
        self._hang(spec.claim.name)
        return super().create(grant, spec, reuses)

    def reclaim(self, grant: Grant, volume: str, claim_uid: str, action: Action) -> Moved:
        record = self.find(volume)
        self._hang(record.claim.name if record else "")
        return super().reclaim(grant, volume, claim_uid, action)

    def confirm(self, grant: Grant, volume: str) -> None:
        self._hang()
        super().confirm(grant, volume)

    def probe(self) -> ExportInfo:
        self._hang()
        return super().probe()


if __name__ == "__main__":
    vars(export_controller)["Export"] = Hanging
    main()
