"""How much of what the cluster's volumes name is on the mounted export."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from holdfast.cli.export_ids import Place, counted

if TYPE_CHECKING:
    from holdfast.exports.export import Export


@dataclass(frozen=True, slots=True)
class Present:
    """Of so many volumes, the directories and the records that are there."""

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
        """Raises ClickException where no volume's directory is there."""
        if self.volumes and not self.directories:
            raise click.ClickException(
                f"{self}. This looks like another or an empty export: volumes whose directory is "
                "not there go with their claims, and their data stays elsewhere, unknown. Mount "
                "the right one; or, if the data is gone for good, say --allow-empty"
            )


def present_on(export: Export, places: Collection[Place]) -> Present:
    """Counts what is there of volumes; changes nothing."""
    return Present(
        len(places),
        sum(export.has_directory(place.directory) for place in places),
        sum(export.has_record(place.volume) for place in places),
    )
