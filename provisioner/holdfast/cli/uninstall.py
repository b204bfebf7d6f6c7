"""`holdfast uninstall`: removes our finalizer, so that another provisioner can delete volumes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from holdfast.claims.constants import FINALIZER
from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import StorageClass, Volume, parse_class
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.cli import options
from holdfast.cli.cluster import api_of, volumes_of
from holdfast.cli.confirm import confirm
from holdfast.cli.leader import held_lease
from holdfast.cli.long_list import listed
from holdfast.cli.nfs_subdir_warnings import KEEP, warnings_of
from holdfast.cli.remove_finalizer import remove_finalizer
from holdfast.cli.uninstall_rows import Row, counted, named, rows_of

if TYPE_CHECKING:
    from holdfast.kube.api import Api

_SHOWN = 20  # errors that are shown one by one
_WHERE_ALL = "-o json shows all"
_STOP_IT = (
    "a running Holdfast would set the finalizer again; scale its Deployment to 0, or uninstall the "
    "chart"
)


@click.command()
@options.provisioner
@options.persons_kubeconfig
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@options.output("text", "json")
def uninstall(
    *,
    provisioner_name: str,
    also_known_as: tuple[str, ...],
    kubeconfig: str | None,
    dry_run: bool,
    yes: bool,
    output: str,
) -> None:
    """Remove Holdfast's finalizer from every volume of this provisioner, by all names given.

    With the finalizer, a volume that nfs-subdir-external-provisioner deletes would stay Terminating
    for ever. Volumes, claims, directories and records stay as they are.

    Stop Holdfast first: it would set the finalizer again. So the command refuses while a Holdfast
    that serves one of the names holds a Lease, and --dry-run says so. It cannot know whether one
    runs without leader election.

    The command lists the volumes, names other provisioners whose volumes keep the finalizer, and
    asks for confirmation. It warns of the directories that nfs-subdir-external-provisioner would
    delete or archive as soon as it starts, or treat differently, or perhaps so, of those that
    volumes share, of volumes with which it would act on the directory of another one, or on none,
    and of a provisioner with volumes on several exports. A second run finds nothing to do, and
    warns of the same. Warnings do not change the exit code.

    Exits with 0 if no volume of the names given has the finalizer, or with --dry-run, 1 if some
    still have it, if this provisioner has no volumes but others have the finalizer, if a Holdfast
    replica leads, if the API server refuses, or if you declined, 2 for an invalid option.
    """
    from holdfast.kube.errors import KubeError

    provisioner = Provisioner(provisioner_name, also=frozenset(also_known_as))
    try:
        api = api_of(kubeconfig)
        if dry_run:
            _tell_if_led(api, provisioner)
        else:
            _refuse_while_led(api, provisioner)
        volumes = list(volumes_of(api))
        rows = rows_of(volumes, _classes(api), provisioner)
        others = others_with_finalizer(volumes, provisioner)
        mistyped = "" if rows else mistyped_name(others, provisioner)
        if not mistyped:
            _show(rows, others, output)
        held = [row for row in rows if row.finalizer == "present"]
        if held and not dry_run:
            if not yes:
                confirm(f"Remove the finalizer from {counted(held)}?")
                _refuse_while_led(api, provisioner)
            rows = [_released(api, row) if row in held else row for row in rows]
    except KubeError as error:
        raise click.ClickException(error.message) from error
    if output == "json":
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
    if mistyped:
        raise click.ClickException(mistyped)
    if not dry_run:
        _conclude(rows)


def _show(rows: Sequence[Row], others: Mapping[str, int], output: str) -> None:
    if output == "text":
        click.echo("\n".join(described(rows)))
    if others:
        click.echo(_kept_by(others), err=True)


def _tell_if_led(api: Api, provisioner: Provisioner) -> None:
    if leads := held_lease(api, provisioner):
        click.echo(f"{leads}: without --dry-run, this command refuses: {_STOP_IT}", err=True)


def _refuse_while_led(api: Api, provisioner: Provisioner) -> None:
    """Raises ClickException."""
    if leads := held_lease(api, provisioner):
        raise click.ClickException(f"{leads}: {_STOP_IT}, and run this command again")


def _classes(api: Api) -> dict[str, StorageClass]:
    from holdfast.kube.resources import CLASSES

    found = (parse_class(obj) for page in api.pages(CLASSES) for obj in page.items)
    return {one.name: one for one in found}


def others_with_finalizer(volumes: Iterable[Volume], provisioner: Provisioner) -> Mapping[str, int]:
    """By other provisioner, how many volumes have the finalizer, as Holdfast may have served it.

    Only NFS volumes: CSI drivers use the same finalizer.
    """
    held = (one for one in volumes if one.server and FINALIZER in one.finalizers)
    others = (one for one in held if not is_provisioned_by(one, provisioner))
    return Counter(one.provisioned_by or "none" for one in others)


def mistyped_name(others: Mapping[str, int], provisioner: Provisioner) -> str:
    """Whose volumes have the finalizer, for a provisioner that has none; empty if nobody's do.

    With a mistyped name, the volumes would stay Terminating once Holdfast is gone.
    """
    if not others:
        return ""
    return (
        f"no volume names provisioner {provisioner.name!r}; the cluster's volumes name: "
        f"{', '.join(sorted(others))}"
    )


def _kept_by(others: Mapping[str, int]) -> str:
    whose = ", ".join(f"{name} ({others[name]})" for name in sorted(others))
    return (
        f"\nVolumes of other provisioners keep the finalizer: {whose}. Add --also-known-as NAME "
        "for each of them that Holdfast served."
    )


def described(rows: Sequence[Row]) -> Iterator[str]:
    """What there is to do, for a person."""
    held = [row for row in rows if row.finalizer == "present"]
    if held:
        yield f"{len(held)} of {counted(rows)} with the finalizer:"
        yield from listed((f"{named(row)}{_going(row)}" for row in held), _WHERE_ALL)
    else:
        yield f"none of {counted(rows)} has the finalizer: there is nothing to do"
    warnings = list(warnings_of(rows))
    if warnings:
        yield f"\nnfs-subdir-external-provisioner follows the class. {KEEP}"
    for what, lines in warnings:
        yield f"\n{what}:"
        yield from listed(lines, _WHERE_ALL)


def _going(row: Row) -> str:
    if not row.deleting:
        return ""
    return f", which is being deleted: it goes at once, and its directory stays at {row.path}"


def _released(api: Api, row: Row) -> Row:
    return replace(row, finalizer=remove_finalizer(api, row.volume) or "removed")


def _conclude(rows: Sequence[Row]) -> None:
    """Says how it ended; raises ClickException where some still have the finalizer."""
    removed = [row for row in rows if row.finalizer == "removed"]
    left = [row for row in rows if row.finalizer not in {"removed", "absent"}]
    if removed:
        click.echo(f"finalizer removed from {counted(removed)}", err=True)
    for row in left[:_SHOWN]:
        click.echo(f"{named(row)} still has it: {row.finalizer}", err=True)
    if left:
        raise click.ClickException(f"{counted(left)} still with the finalizer: run it again")
