"""`holdfast exports`: which export this is, and what a person says of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from holdfast.claims.volume import Address
from holdfast.cli import options


@click.group()
def exports() -> None:
    """Commands about the export as a whole."""


@exports.command()
@options.provisioner_name
@options.address
@options.persons_kubeconfig
@options.root
@click.option("--id", "wanted", default="", help="The export id, where volumes name several.")
@click.option("--replace", is_flag=True, help="Also where the export has another id.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def accept(
    *,
    provisioner_name: str,
    nfs_server: str,
    nfs_path: str,
    nfs_server_alias: tuple[str, ...],
    kubeconfig: str | None,
    root: Path,
    wanted: str,
    replace: bool,
    yes: bool,
) -> None:
    """Say that the mounted export is the one that the cluster's volumes were made on.

    Holdfast touches nothing where an export has no id, or another than its volumes name: a wrong
    or an empty one may be mounted. Where it is the right one all the same (restored from a backup
    without .holdfast, or moved to other disks), this writes the id that the volumes name. In the
    pod: kubectl exec -it deploy/holdfast -- holdfast exports accept

    Ends with 0 when the export has that id, 1 when it does not, 2 for a wrong option.
    """
    address = Address(nfs_server, nfs_path, frozenset(nfs_server_alias))
    ids = _ids(kubeconfig, provisioner_name, address)
    chosen = wanted or _only(ids)
    held = _held(root)
    if held == chosen:
        click.echo(f"the export at {root} has the id {chosen} already")
        return
    if held and not replace:
        raise click.ClickException(
            f"the export at {root} has the id {held}, not {chosen}: if no cluster uses it under "
            "that id any more, say --replace"
        )
    what = f"give the export at {root} the id {chosen}, which {ids[chosen]} volumes name"
    if not yes:
        click.confirm(what[0].upper() + what[1:] + "?", abort=True)
    _write(root, chosen)
    click.echo(f"the export at {root} has the id {chosen} now; Holdfast goes on within seconds")


def _ids(kubeconfig: str | None, provisioner: str, address: Address) -> Counter[str]:
    """How many of the provisioner's volumes at this address name which export id."""
    from holdfast.claims.objects import parse_volume
    from holdfast.controller.identity import is_at
    from holdfast.kube.api import Api
    from holdfast.kube.config import load_configuration
    from holdfast.kube.errors import KubeError
    from holdfast.kube.resources import VOLUMES

    try:
        api = Api(load_configuration(kubeconfig))
        listed = [parse_volume(obj) for page in api.pages(VOLUMES) for obj in page.items]
    except KubeError as error:
        raise click.ClickException(error.message) from error
    ours = (one for one in listed if one.provisioned_by == provisioner and is_at(one, address))
    return Counter(one.export_id for one in ours if one.export_id)


def _only(ids: Counter[str]) -> str:
    if not ids:
        raise click.ClickException(
            "no volume names an export id: there is nothing to accept; Holdfast gives the export "
            "an id by itself"
        )
    if len(ids) > 1:
        shown = ", ".join(f"{one} ({number} volumes)" for one, number in ids.most_common())
        raise click.ClickException(f"volumes name several export ids: {shown}; choose with --id")
    return next(iter(ids))


def _held(root: Path) -> str:
    from holdfast.exports.errors import ExportError
    from holdfast.exports.export import Export

    try:
        return Export(root).inspect().id
    except ExportError as error:
        raise click.ClickException(error.message) from error


def _write(root: Path, export_id: str) -> None:
    from holdfast.exports.errors import ExportError
    from holdfast.exports.export import Export

    try:
        Export(root).accept(export_id)
    except ExportError as error:
        raise click.ClickException(error.message) from error
