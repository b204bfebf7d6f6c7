"""`holdfast run` on an export whose calls hang while a flag file says so.

A program of its own, for a test to start: a kernel without NFS has no file system that hangs.
The flags are files in `$HANGING`: one named after a claim holds the calls about its volume, one
named `everything` holds all calls, the probe too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path

from holdfast.claims.decide import Plan
from holdfast.claims.parameters import Action
from holdfast.cli import main
from holdfast.controller import program
from holdfast.exports.export import Export
from holdfast.exports.moving import Moved
from holdfast.exports.record import Record

_FLAGS = Path(os.environ["HANGING"])


class Hanging(Export):
    """An export that answers only when no flag stands against it."""

    def create(self, plan: Plan, succeeds: Collection[str] = ()) -> Record:
        _hang(plan.ref.name)
        return super().create(plan, succeeds)

    def reclaim(self, volume: str, claim_uid: str, action: Action) -> Moved:
        record = self.find(volume)
        _hang(record.claim.name if record else "")
        return super().reclaim(volume, claim_uid, action)

    def confirm(self, volume: str) -> None:
        _hang()
        super().confirm(volume)

    def probe(self) -> None:
        _hang()
        super().probe()


def _hang(name: str = "") -> None:
    while (_FLAGS / "everything").exists() or (name and (_FLAGS / name).exists()):
        time.sleep(0.05)


if __name__ == "__main__":
    vars(program)["Export"] = Hanging
    main()
