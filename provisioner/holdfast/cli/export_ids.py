"""Chooses the id of the mounted export from the ids that the cluster's volumes name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import click

from holdfast.claims.build_volume import Address
from holdfast.claims.constants import ALIASES
from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import Volume
from holdfast.claims.paths import cleaned
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.claims.volume_address import (
    NamedAddress,
    advice_on,
    is_other_name,
    unknown_address,
)
from holdfast.controller.settings import ExportSettings
from holdfast.exports.export_id_file import new_export_id
from holdfast.exports.interface import ExportInfo

_WITHOUT_FILE = f"with --nfs-server-alias, and to {ALIASES}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a volume's data belongs: a directory, relative to the export's root."""

    volume: str
    directory: str
    export_id: str


@dataclass(frozen=True, slots=True)
class Named:
    """The export ids and addresses that the volumes on one export name.

    Attributes:
        ids: by export id, how many volumes name it.
        without: how many volumes of Holdfast name none: it created them before exports had ids.
        places: the directory of each volume, also of inherited ones.
        unknown: by other address, how many volumes name it and this export's id, or are at another
            server with this path.
    """

    address: Address
    ids: Counter[str]
    without: int = 0
    places: tuple[Place, ...] = ()
    unknown: Counter[NamedAddress] = field(default_factory=Counter)

    def why(self, chosen: str) -> str:
        """Why this id was chosen, as the end of a sentence."""
        if number := self.ids[chosen]:
            return f"named by {counted(number, 'volume')}"
        if not self.ids and self.without:
            return f"a new one: {counted(self.without, 'volume')} of version 1 cannot name one"
        return "named by no volume"

    def of(self, export_id: str) -> tuple[Place, ...]:
        """The places of volumes that name this id, or none."""
        return tuple(one for one in self.places if one.export_id in {"", export_id})

    def hint(self, listed: Sequence[ExportSettings] = ()) -> str:
        """What to do about volumes at another address; empty if there are none.

        `listed` are the exports of the file, where one is used.
        """
        servers, others = Counter[str](), Counter[NamedAddress]()
        for named, number in self.unknown.items():
            if not is_other_name(named, self.address):
                others[named] += number
            elif not any(_is_of(named, export.address) for export in listed):
                servers[named.server] += number
        where = "to exports[].serverAliases" if listed else _WITHOUT_FILE
        hints = [_on_server(server, number, where) for server, number in sorted(servers.items())]
        hints += self._swapped(others, listed)
        return "; ".join(filter(None, [*hints, advice_on(others, self.address)]))

    def _swapped(
        self, others: Counter[NamedAddress], listed: Sequence[ExportSettings]
    ) -> Iterator[str]:
        """Says that another export of the file is mounted; removes its volumes from `others`."""
        for export in listed:
            for named in sorted(one for one in others if _is_of(one, export.address)):
                number = others.pop(named)
                yield (
                    f"this is export {export.name!r}: {counted(number, 'volume')} on it "
                    f"{'names' if number == 1 else 'name'} it as {named}, so the mounts are "
                    f"swapped; mount {self.address} here"
                )


def _is_of(named: NamedAddress, address: Address) -> bool:
    """Whether this is the address of an export, or of a volume beneath it."""
    if not address.is_served_by(named.server):
        return False
    if named.is_root:
        return cleaned(named.path) == cleaned(address.path)
    return address.directory_of(named.path) is not None


def _on_server(server: str, number: int, where: str) -> str:
    return (
        f"{counted(number, 'volume')} of this provisioner "
        f"{'is' if number == 1 else 'are'} on {server}: if that is this server, add it {where}"
    )


def named_by(
    volumes: Iterable[Volume], provisioner: Provisioner, address: Address, export_id: str
) -> Named:
    """What a provisioner's volumes at an address name; `export_id` is the mounted export's."""
    ids, unknown, without, places = Counter[str](), Counter[NamedAddress](), 0, list[Place]()
    for volume in volumes:
        if not is_provisioned_by(volume, provisioner):
            continue
        directory, named = address.directory_of(volume.path), unknown_address(volume, address)
        if named:
            has_id = bool(export_id) and volume.export_id == export_id
            unknown[named] += has_id or is_other_name(named, address)
        elif directory is not None:
            places.append(Place(volume.name, directory, volume.export_id))
            if volume.export_id:
                ids[volume.export_id] += 1
            elif volume.directory:  # an inherited volume needs no record
                without += 1
    return Named(address, ids, without, tuple(places), +unknown)


def choose(
    named: Named, held: ExportInfo, wanted: str, *, allow_unnamed: bool, needs_one: bool
) -> str:
    """The id for the export; raises ClickException if the choice is not clear.

    Args:
        named: what the volumes name.
        held: the export's own information.
        wanted: the id given with --id, or "".
        allow_unnamed: whether `wanted` may be an id that no volume names.
        needs_one: whether the volumes, which name none, have to.
    """
    if wanted:
        is_known = wanted in named.ids or (wanted == held.id and not named.ids)
        if not is_known and not allow_unnamed:
            raise click.ClickException(_unnamed(named, wanted))
        return wanted
    if held.id in named.ids or (held.id and not named.ids):
        return held.id
    if len(named.ids) > 1:
        raise click.ClickException(
            f"volumes name several export ids: {_shown(named)}; choose with --id"
        )
    if named.ids:
        return next(iter(named.ids))
    if needs_one or (named.without and not held.format):
        return new_export_id()
    raise click.ClickException(
        "no volume names an export id, or needs this export to have one: there is nothing to "
        "accept. The provisioner itself gives an id to an export without .holdfast/export; if "
        "that file is damaged, give the id that the records name with --id and --allow-unnamed"
    )


def _unnamed(named: Named, wanted: str) -> str:
    there = f"they name {_shown(named)}" if named.ids else "they name none"
    return (
        f"no volume of the cluster names the id {wanted}, {there}: check it for typos, or "
        "add --allow-unnamed"
    )


def _shown(named: Named) -> str:
    return ", ".join(
        f"{one} ({counted(number, 'volume')})" for one, number in named.ids.most_common()
    )


def counted(number: int, what: str) -> str:
    """`1 volume`, `2 volumes`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
