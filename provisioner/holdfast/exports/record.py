"""What Holdfast knows of a directory: a small file on the export, which outlives the cluster.

    .holdfast/creating/VOLUME                       a volume that the API server may not know yet
    .holdfast/volumes/VOLUME                        a volume that it does, or did
    .holdfast/trashed/VOLUME                        a volume whose directory was deleted
    .holdfast/trash/VOLUME                          that directory, until the reaper has been there
    .holdfast/directories/PATH/VOLUME               whose PATH is: found without reading the rest

Between the components of a PATH of several is one more, `.holdfast`: A/.holdfast/B for A/B.

A record is written before its directory is made and moves from `creating` to `volumes` once
the PersistentVolume exists: what a crash leaves half-made is exactly what lies in `creating`.
That it lies in `trashed` is all that says so: deleting is two renames, directory and record,
which a full export allows as well. Nothing is kept inside the directory itself: databases want
theirs empty.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from holdfast.claims.decide import Plan
from holdfast.claims.errors import Refused
from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.claims.paths import components
from holdfast.exports.errors import Unsafe


def timestamp() -> str:
    """Now, as RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class State(StrEnum):
    """Where the data of a record is: at its directory, kept there, archived, or in the trash."""

    LIVE = "live"
    RETAINED = "retained"
    ARCHIVED = "archived"
    TRASHED = "trashed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One volume's directory.

    Attributes:
        volume: name of the PersistentVolume.
        directory: path relative to the export's root.
        claim: whose it is or was.
        size: the claim's request, a Kubernetes quantity.
        reclaim_policy: `Delete` or `Retain`, of the class when the volume was made.
        on_delete: the reclaim action under the policy Delete.
        mode: permission bits, in octal; uid, gid: None where the server decided.
        found: the directory was there before its volume; it keeps its mode and owner.
        foreign: it was there, and no record said whose: somebody's own, and never removed.
        succeeds: volumes that are gone and whose retained directory this one takes up.
        origin: which cluster's API server knows the volume (the uid of its namespace
            kube-system); empty where that could not be read.
        target: where the data goes or went, relative to the root; that of an archive is written
            before it is moved.
        created, moved: RFC 3339, UTC; `moved` is empty in the trash.
    """

    volume: str
    directory: str
    claim: ClaimRef
    storage_class: str
    size: str
    reclaim_policy: str
    on_delete: Action
    shared: bool = False
    mode: str = "0777"
    uid: int | None = None
    gid: int | None = None
    found: bool = False
    foreign: bool = False
    succeeds: tuple[str, ...] = ()
    origin: str = ""
    state: State = State.LIVE
    target: str = ""
    created: str = field(default_factory=timestamp)
    moved: str = ""

    @classmethod
    def of(cls, plan: Plan, **more: Any) -> Self:
        """The record of a plan that is about to be carried out; `more` are other attributes."""
        owner = plan.ownership
        return cls(
            volume=plan.volume,
            directory=plan.directory,
            claim=plan.ref,
            storage_class=plan.storage_class.name,
            size=plan.claim.size,
            reclaim_policy=plan.storage_class.reclaim_policy,
            on_delete=plan.action,
            shared=plan.shared,
            mode=f"{owner.mode:04o}",
            uid=owner.uid,
            gid=owner.gid,
            **more,
        )

    @classmethod
    def parse(cls, data: bytes, volume: str) -> Self:
        """The record in a volume's file; raises Unsafe for what is none, or another's."""
        try:
            fields: dict[str, Any] = json.loads(data)
            for name in fields.keys() - cls.__slots__:  # of a later version
                del fields[name]
            fields["claim"] = ClaimRef(**fields["claim"])
            fields["on_delete"] = Action(fields["on_delete"])
            fields["state"] = State(fields["state"])
            fields["succeeds"] = tuple(fields["succeeds"])
            record = cls(**fields)
            for path in filter(None, (record.directory, record.target)):
                components(path)
        except (ValueError, TypeError, KeyError, AttributeError, Refused) as error:
            why = f"the record of volume {volume} in .holdfast cannot be read ({error}): mend it"
            raise Unsafe(why) from error
        if record.volume != volume:
            raise Unsafe(f"the record of volume {volume} names {record.volume!r}: mend it")
        return record

    def dump(self) -> bytes:
        """The record as a file: JSON, a line for each field, for a person's eyes too."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["claim"] = asdict(self.claim)
        # Not `indent`, which takes the standard library's slow encoder.
        lines = (f" {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items())
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()

    def moving_to(self, target: str) -> Record:
        """The record before its data is moved, or with "" where it stays after all."""
        return replace(self, target=target)

    def settled(self, state: State) -> Record:
        """The record after its data was moved, or left for good."""
        return replace(self, state=state, moved=timestamp())

    def trashed(self, place: str) -> Record:
        """The record of a directory that is in the trash."""
        return replace(self, state=State.TRASHED, target=place)

    @property
    def in_place(self) -> bool:
        """Whether the data is at the directory, and nothing has begun to move it."""
        return self.state in {State.LIVE, State.RETAINED} and not self.target

    @property
    def was_retained(self) -> bool:
        """Whether the directory was kept on purpose, and may be taken up by its path's claim."""
        kept = self.reclaim_policy == "Retain" or self.on_delete is Action.RETAIN
        return self.state is State.RETAINED or (self.state is State.LIVE and kept)
