"""`holdfast volumes`: lists volumes with their claims, directories and reclaim actions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.claims.inherited import shared_paths
from holdfast.claims.objects import Json, parse_class, parse_volume
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.cli import options
from holdfast.cli.cluster import api_of
from holdfast.cli.options import NAME, PATH, option
from holdfast.cli.table import head, print_table, span, table_of
from holdfast.cli.volume_actions import shared_volumes, shown_action

if TYPE_CHECKING:
    from holdfast.kube.api import Api


@dataclass(frozen=True, slots=True)
class Row:
    """One volume, as in the JSON and YAML output."""

    claim: str
    directory: str
    size: str
    reclaim_action: str
    phase: str
    creation_timestamp: str
    volume: str
    storage_class: str
    access_modes: tuple[str, ...]
    server: str
    path: str
    export_id: str

    def cell(self, name: str) -> str:
        """The text of a column of the table."""
        if name == "age":
            return age(self.creation_timestamp)
        if name == "access_modes":
            return ",".join(self.access_modes)
        return str(getattr(self, name))


NARROW = ("claim", "directory", "size", "reclaim_action", "phase", "age")
WIDE = (*NARROW, "volume", "storage_class", "access_modes", "server", "path")


@click.command()
@options.persons_kubeconfig
@option(
    "--provisioner-name",
    "PROVISIONER_NAME",
    "Show only this provisioner's volumes; default: the NFS volumes of all provisioners.",
    type=NAME,
)
@options.also_known_as
@option(
    "--nfs-path",
    "NFS_PATH",
    "The exported path: inherited volumes show their directory relative to it, else their path.",
    type=PATH,
)
@options.output("table", "wide", "json", "yaml")
@click.option("-n", "--namespace", default="", help="Only volumes of claims in this namespace.")
def volumes(
    *,
    kubeconfig: str | None,
    provisioner_name: str | None,
    also_known_as: tuple[str, ...],
    nfs_path: str | None,
    output: str,
    namespace: str,
) -> None:
    """List the volumes: claim, directory, size, reclaim action, phase, age.

    The reclaim action says what happens to the directory when its claim is deleted: retain,
    archive or delete. It is "shared" if other volumes have the directory, or may have had it by
    their StorageClass: it stays until the last of them is deleted, and then the strictest of their
    actions decides. It is "invalid" if the annotation holdfast.io/on-delete is not an action: the
    volume is not reclaimed until you correct it. It is "unknown" without that annotation: the
    record on the export decides or, for a volume of another provisioner, its StorageClass. A
    directory that existed before its first volume is retained, whatever the action.

    Exits with 0, even if there are none, 1 if the API server does not list them, 2 for an invalid
    option.
    """
    rows = [
        row
        for row in _rows(kubeconfig, _provisioner(provisioner_name, also_known_as), nfs_path or "")
        if not namespace or row.claim.startswith(namespace + "/")
    ]
    if output in {"table", "wide"}:
        _print_table(rows, wide=output == "wide")
    else:
        _print_data(rows, output)


def _provisioner(name: str | None, also: tuple[str, ...]) -> Provisioner | None:
    return Provisioner(name, also=frozenset(also)) if name else None


def _rows(kubeconfig: str | None, provisioner: Provisioner | None, nfs_path: str) -> list[Row]:
    from holdfast.kube.errors import KubeError
    from holdfast.kube.resources import VOLUMES

    try:
        api = api_of(kubeconfig)
        listed = [obj for page in api.pages(VOLUMES) for obj in page.items]
        sharing = _sharing_classes(api)
    except KubeError as error:
        raise click.ClickException(error.message) from error
    shown = [obj for obj in listed if _is_shown(obj, provisioner)]
    shared = shared_volumes(map(parse_volume, shown), sharing)
    rows = [row_of(obj, nfs_path, is_shared=obj["metadata"]["name"] in shared) for obj in shown]
    return sorted(rows, key=lambda row: (row.claim, row.volume))


def _sharing_classes(api: Api) -> set[str]:
    """The classes with sharedPaths; none if the API server does not let them be listed."""
    from holdfast.kube.errors import Forbidden
    from holdfast.kube.resources import CLASSES

    with suppress(Forbidden):
        listed = [parse_class(obj) for page in api.pages(CLASSES) for obj in page.items]
        return {one.name for one in listed if shared_paths(one)}
    return set()


def _is_shown(obj: Json, provisioner: Provisioner | None) -> bool:
    volume = parse_volume(obj)
    if provisioner:
        return is_provisioned_by(volume, provisioner)
    return bool(volume.path and volume.provisioned_by)


def row_of(obj: Json, nfs_path: str = "", *, is_shared: bool = False) -> Row:
    """The row of a PersistentVolume on an export of this path, which may be unknown."""
    volume = parse_volume(obj)
    return Row(
        claim=str(volume.claim) if volume.claim.name else "",
        directory=volume.directory or _relative(volume.path, nfs_path),
        size=volume.size,
        reclaim_action=shown_action(volume, is_shared=is_shared),
        phase=volume.phase,
        creation_timestamp=obj["metadata"]["creationTimestamp"],
        volume=volume.name,
        storage_class=volume.class_name,
        access_modes=tuple(obj["spec"].get("accessModes") or ()),
        server=volume.server,
        path=volume.path,
        export_id=volume.export_id,
    )


def _relative(path: str, nfs_path: str) -> str:
    """The path on an export; as it is where it is elsewhere, or the export is unknown."""
    return (Address("", nfs_path).directory_of(path) if nfs_path else None) or path


def age(since: str) -> str:
    """The time since an RFC 3339 timestamp, as kubectl shows it: `42s`, `7m`, `3h`, `12d`."""
    return span((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())


def _print_table(rows: Sequence[Row], *, wide: bool) -> None:
    if not rows:
        click.echo("no volumes", err=True)
        return
    table = table_of(WIDE if wide else NARROW, _cells(rows, WIDE if wide else NARROW))
    print_table(table, None if wide else lambda: stacked(rows))


def _cells(rows: Sequence[Row], names: Sequence[str]) -> Iterator[list[str]]:
    return (list(map(row.cell, names)) for row in rows)


def stacked(rows: Sequence[Row]) -> Iterator[str]:
    """Two lines per volume, the second with its directory, for narrow terminals."""
    names = [name for name in NARROW if name != "directory"]
    cells = [[head(name) for name in names]]
    cells += _cells(rows, names)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    directories = [head("directory"), *(row.directory for row in rows)]
    for line, directory in zip(cells, directories, strict=True):
        yield "  ".join(map(str.ljust, line, widths)).rstrip()
        yield f"  {directory}"


def data_of(rows: Sequence[Row]) -> list[Json]:
    """The rows for JSON and YAML: timestamps and lists instead of human-readable text."""
    return [asdict(row) | {"access_modes": list(row.access_modes)} for row in rows]


def _print_data(rows: Sequence[Row], output: str) -> None:
    data = data_of(rows)
    if output == "json":
        click.echo(json.dumps(data, indent=2))
        return
    import yaml

    click.echo(yaml.safe_dump(data, sort_keys=False), nl=False)
