"""`holdfast exports show`: the mounted export, and what the cluster's volumes name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.cli import export_options, options
from holdfast.cli.cluster import api_of, cluster_uid, volumes_of
from holdfast.cli.table import print_table, table_of
from holdfast.controller.export_commands import with_export
from holdfast.controller.settings import ExportSettings

if TYPE_CHECKING:
    from holdfast.cli.entries import Entry
    from holdfast.kube.api import Api

_COLUMNS = ("volume", "claim", "directory", "finding", "detail")


@dataclass(frozen=True, slots=True)
class Shown:
    """An export and its volumes, as in the JSON output.

    Attributes:
        root: where it is mounted.
        file_system: its type, as the machine knows it; empty if unknown.
        id: empty if it has none.
        format: as in ExportInfo.
        server: where pods mount it from, together with `path`.
        wrong: why the provisioner does not work on it; empty if it does.
        volumes: how many of this provisioner's volumes are at this server and path.
        ids: by export id, how many of them name it; those of version 1, and inherited ones, name
            none until Holdfast has recorded them.
        other_addresses: by address, how many volumes name it and this export's id, or are at
            another server with this path.
        hint: what to do about them.
        directories, records: how many of the volumes' directories and records exist.
        findings: what there is to know of single volumes and records.
    """

    root: str
    file_system: str
    id: str
    format: int
    server: str
    path: str
    wrong: str
    volumes: int
    ids: dict[str, int]
    other_addresses: dict[str, int]
    hint: str
    directories: int
    records: int
    findings: tuple[Entry, ...]


@click.command()
@options.provisioner
@options.takes_over
@export_options.one_export
@options.persons_kubeconfig
@options.output("text", "wide", "json")
def show(
    *,
    provisioner_name: str,
    also_known_as: tuple[str, ...],
    takes_over: tuple[str, ...],
    kubeconfig: str | None,
    output: str,
    **where: Any,
) -> None:
    """Show the mounted export and what the volumes name; changes nothing.

    It shows the type of the file system at the mount point, which is NFS if the export is mounted.

    It counts the volumes' directories and records that exist, the directories that are not those in
    their records, as after a restore, the released volumes that will be reclaimed, and the
    directories without a volume. -o wide and -o json name each of these, and what is missing:
    a volume has the finding missing-directory, other-volume (its directory is that of another
    record), missing-record, refused-record (nfs-subdir created it, and Holdfast refuses to record
    it), unreadable-record (it cannot be parsed), another-directory (not the one in the record),
    other-cluster-record (the record is another cluster's) or released. A record without a volume is
    retained, archived, trashed, no-volume (its directory was not reclaimed) or other-cluster. A
    directory whose record is lost has the finding no-record.

    Exits with 0 if the export is shown, even a wrong one, 1 if the export or the API server does
    not answer, 2 for an invalid option.
    """
    from holdfast.exports.errors import ExportError
    from holdfast.kube.errors import KubeError

    provisioner = Provisioner(
        provisioner_name, also=frozenset(also_known_as), takes_over=frozenset(takes_over)
    )
    at, listed = export_options.chosen(**where)
    try:
        shown = _shown(at, listed, api_of(kubeconfig), provisioner)
    except (KubeError, ExportError) as error:
        raise click.ClickException(with_export(error.message, at.name)) from error
    if output == "json":
        click.echo(json.dumps(asdict(shown), indent=2))
        return
    click.echo(with_export(_text(shown), at.name))
    if shown.findings and output == "text":
        click.echo("\n-o wide names what is missing, released or not in use")
    elif shown.findings:
        click.echo()
        print_table(table_of(_COLUMNS, ([*asdict(one).values()] for one in shown.findings)))


def _shown(
    at: ExportSettings, listed: Sequence[ExportSettings], api: Api, provisioner: Provisioner
) -> Shown:
    from holdfast.cli.counts import count_existing
    from holdfast.cli.export_ids import named_by
    from holdfast.cli.file_system import file_system_at
    from holdfast.cli.inventory import Mounted
    from holdfast.cli.naming_rules import naming_rules
    from holdfast.cli.records import records_on
    from holdfast.controller.export_id_check import refuse_another
    from holdfast.exports.errors import WrongExport
    from holdfast.exports.export import Export

    address, export, wrong = at.address, Export(at.root), ""
    records = records_on(at.root)  # before the volumes
    volumes, cluster = list(volumes_of(api)), cluster_uid(api)
    info = export.inspect()
    named = named_by(volumes, provisioner, address, info.id)
    try:
        own = [one for one in volumes if is_provisioned_by(one, provisioner)]
        refuse_another(info, own, address, export.has_directory)
    except WrongExport as error:
        wrong = named.hint(listed) if error.message == named.hint() else error.message
    mounted = Mounted.of(
        at.root,
        info.id,
        provisioner,
        cluster,
        volumes=volumes,
        places=named.places,
        refusal=naming_rules(api, address),
    )
    entries = mounted.entries(records)
    numbers = count_existing(len(named.places), entries)
    return Shown(
        root=str(at.root),
        file_system=file_system_at(at.root),
        id=info.id,
        format=info.format,
        server=address.server,
        path=address.path,
        wrong=with_export(wrong, at.name),
        volumes=numbers.volumes,
        ids=dict(named.ids.most_common()),
        other_addresses={str(one): number for one, number in named.unknown.most_common()},
        hint=named.hint(listed),
        directories=numbers.directories,
        records=numbers.records,
        findings=entries,
    )


def _text(shown: Shown) -> str:
    return "\n".join(f"{name:<15}{value}" for name, value in _lines(shown))


def _lines(shown: Shown) -> Iterator[tuple[str, str]]:
    yield "mounted at", shown.root
    yield "file system", _file_system(shown)
    yield "id", shown.id or "none"
    yield "address", f"{shown.server}:{shown.path}"
    yield "directories", f"{shown.directories} of {shown.volumes}"
    unreadable = sum(one.finding == "unreadable-record" for one in shown.findings)
    more = f", {unreadable} unreadable" if unreadable else ""
    yield "records", f"{shown.records} of {shown.volumes}{more}"
    yield from _found(shown.findings)
    without = shown.volumes - sum(shown.ids.values())
    yield from _counted(
        "volumes name", [*shown.ids.items(), *([("no id", without)] * bool(without))]
    )
    yield from _counted("other address", shown.other_addresses.items())
    if shown.hint and shown.hint != shown.wrong:
        yield "other address", shown.hint
    if shown.wrong:
        yield "wrong export", shown.wrong


def _file_system(shown: Shown) -> str:
    from holdfast.cli.file_system import is_it_mounted

    address = Address(shown.server, shown.path)
    _, question = is_it_mounted(Path(shown.root), shown.file_system, address)
    kind = shown.file_system or "unknown"
    return f"{kind}, not nfs: {question}" if question else kind


def _found(findings: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    from holdfast.cli.accept_report import advice_on_another, advice_on_another_cluster
    from holdfast.cli.entries import LEFT, Finding
    from holdfast.cli.export_ids import counted

    if advice := advice_on_another(findings):
        yield "other inodes", advice
    if advice := advice_on_another_cluster(findings):
        yield "other cluster", advice
    if released := sum(one.finding is Finding.RELEASED for one in findings):
        yield "released", f"{counted(released, 'volume')}, which will be reclaimed"
    numbers = Counter(one.finding for one in findings)
    if left := ", ".join(f"{numbers[kind]} {kind}" for kind in LEFT if numbers[kind]):
        yield "not in use", left


def _counted(head: str, numbers: Iterable[tuple[str, int]]) -> Iterator[tuple[str, str]]:
    from holdfast.cli.export_ids import counted

    for name, number in numbers:
        yield head, f"{name} ({counted(number, 'volume')})"
