"""How many of the volumes' directories and records exist on the mounted export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import click

from holdfast.cli.entries import Entry, Finding
from holdfast.cli.export_ids import counted


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of volumes, and of those of their directories and records that exist."""

    volumes: int
    directories: int
    records: int

    def __str__(self) -> str:
        if not self.volumes:
            return "no volume of the cluster is on it"
        whose, their = ("'s", "its") if self.volumes == 1 else ("'", "their")
        return (
            f"{self.directories} of the {counted(self.volumes, 'volume')}{whose} directories and "
            f"{self.records} of {their} records are here"
        )

    def refuse_empty(self) -> None:
        """Raises ClickException if none of the volumes' directories exists."""
        if self.volumes and not self.directories:
            raise click.ClickException(
                f"{self}. This looks like a different or an empty export: a volume whose directory "
                "is missing is deleted with its claim, and its data stays elsewhere without a "
                "record. Mount the right export or, if the data is lost for good, add --allow-empty"
            )


def count_existing(volumes: int, entries: Iterable[Entry]) -> Counts:
    """The numbers, from what is missing of so many volumes."""
    missing = Counter(one.finding for one in entries)
    return Counts(
        volumes,
        volumes - missing[Finding.NO_DIRECTORY] - missing[Finding.OTHER_VOLUME],
        volumes - missing[Finding.NO_RECORD] - missing[Finding.REFUSED],
    )
