"""What `exports show` lists: one entry for each finding of a volume, a record or a mark."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

INHERITED = "inherited: Holdfast records it at its next start"


class Finding(StrEnum):
    """What was found of a volume, or of a record or a mark without a volume."""

    NO_DIRECTORY = "missing-directory"
    OTHER_VOLUME = "other-volume"
    NO_RECORD = "missing-record"
    REFUSED = "refused-record"
    UNREADABLE = "unreadable-record"
    ANOTHER = "another-directory"
    ANOTHERS_RECORD = "other-cluster-record"
    RELEASED = "released"
    NO_VOLUME = "no-volume"
    RETAINED = "retained"
    ARCHIVED = "archived"
    TRASHED = "trashed"
    UNRECORDED = "no-record"
    OTHER_CLUSTER = "other-cluster"


# Directories without a volume of this cluster.
LEFT = (
    Finding.RETAINED,
    Finding.ARCHIVED,
    Finding.TRASHED,
    Finding.NO_VOLUME,
    Finding.UNRECORDED,
    Finding.OTHER_CLUSTER,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding, as in the JSON output.

    Attributes:
        volume: name of the PersistentVolume, which may be gone.
        claim: namespace and name; empty if unknown.
        directory: where the data is, or should be; relative to the export's root.
        finding: what was found.
        detail: of `released`, how the volume will be reclaimed; of `another-directory`, the state
            of a record without a volume; of `unreadable-record`, why it cannot be read; of
            `refused-record`, why an inherited volume gets none; of `other-cluster-record`, whose it
            is; of `other-volume`, whose directory it is; of a record without a volume, whether its
            directory is missing, or which volume has its path now.
    """

    volume: str
    claim: str
    directory: str
    finding: Finding
    detail: str = ""

    def __str__(self) -> str:
        named = f"{self.volume} of claim {self.claim}" if self.claim else self.volume
        return f"{named} ({self.detail})" if self.detail else named

    @property
    def is_due(self) -> bool:
        """Whether a record is missing only because Holdfast has not made it yet."""
        return self.finding is Finding.NO_RECORD and self.detail == INHERITED
