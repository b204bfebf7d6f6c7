"""`holdfast exports`: which export this is, and what a person says of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.claims.decide import Provisioner
from holdfast.claims.volume import Address
from holdfast.cli import options
from holdfast.cli.cluster import api_of, volumes_of
from holdfast.cli.options import EXPORT_ID
from holdfast.cli.show_export import show

if TYPE_CHECKING:
    from holdfast.cli.export_ids import Named
    from holdfast.cli.present import Present
    from holdfast.exports.export import Export
    from holdfast.exports.interface import ExportInfo, Leader
    from holdfast.kube.api import Api

_ATTEMPTS = 10  # with each of which the provisioner would have to begin a term in between
_SHOWN = 3  # volumes in one line


@click.group()
def exports() -> None:
    """Commands about the export as a whole."""


exports.add_command(show)


@exports.command()
@options.provisioner_name
@options.also_known_as
@options.address
@options.persons_kubeconfig
@options.root
@click.option(
    "--id",
    "wanted",
    type=EXPORT_ID,
    metavar="ID",
    help="Which id to write, when the volumes name more than one.",
)
@click.option("--allow-unnamed", is_flag=True, help="Take an --id that no volume names.")
@click.option("--replace", is_flag=True, help="Overwrite the id that the export has now.")
@click.option(
    "--allow-empty", is_flag=True, help="Go on when none of the volumes' directories is there."
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def accept(
    *,
    provisioner_name: str,
    also_known_as: tuple[str, ...],
    nfs_server: str,
    nfs_path: str,
    nfs_server_alias: tuple[str, ...],
    kubeconfig: str | None,
    root: Path,
    wanted: str | None,
    allow_unnamed: bool,
    replace: bool,
    allow_empty: bool,
    yes: bool,
) -> None:
    """Say that the mounted export is the one that the cluster's volumes were made on.

    Holdfast touches nothing on an export that has no id, or another than its volumes name, and
    leaves a directory alone that is another than its record names: a wrong or an empty export may
    be mounted. Run this where it is the right one all the same; /readyz and events say so too.

    Restored from a backup, or moved to other disks, without .holdfast/export: the export gets the
    id that the volumes name.

    Restored or moved with it: the records learn which directories are theirs now, so that
    these can be reclaimed, and the trash be emptied.

    In the pod, where release and namespace are called holdfast:

    kubectl -n holdfast exec -it deploy/holdfast -- holdfast exports accept

    It counts the volumes' directories and records that are there, shows what it is about to do,
    and asks first. Where there is not one of the directories, it refuses. Called again, it finds
    nothing to do.

    Ends with 0 when the export has that id, 1 when it does not, or you said no, 2 for a wrong
    option.
    """
    from holdfast.cli.export_ids import choose
    from holdfast.cli.present import present_on
    from holdfast.exports.errors import ExportError
    from holdfast.exports.export import Export
    from holdfast.exports.interface import Leader
    from holdfast.kube.errors import KubeError

    provisioner = Provisioner(provisioner_name, also=frozenset(also_known_as))
    address = Address(nfs_server, nfs_path, frozenset(nfs_server_alias))
    try:
        api, export = api_of(kubeconfig), Export(root)
        named = _named(api, provisioner, address)
        held = export.inspect_damaged()
        chosen = choose(named, held, wanted or "", allow_unnamed=allow_unnamed)
        present = present_on(export, named.of(chosen))
        if held.id == chosen:
            click.echo(f"the export at {root} has the id {chosen} already; {present}")
            leader = Leader(_cluster(api), provisioner.lease, provisioner.former_leases)
            _accept_restored(export, leader, ask=not yes)
            return
        if not replace:
            _refuse_another_id(held, root, chosen)
        if not allow_empty:
            present.refuse_empty()
        instead = f", in place of {held.id}" if held.id else ""
        what = f"Give the export at {root} the id {chosen}, {named.why(chosen)}{instead}?"
        _give_id(export, chosen, present, "" if yes else what)
        click.echo(
            f"the export at {root} has the id {chosen} now; a Holdfast that runs goes on within "
            "seconds"
        )
    except (KubeError, ExportError) as error:
        raise click.ClickException(error.message) from error


def _named(api: Api, provisioner: Provisioner, address: Address) -> Named:
    """What the volumes name; says so where some name another server."""
    from holdfast.cli.export_ids import named_by

    named = named_by(volumes_of(api), provisioner, address)
    if hint := named.hint():
        click.echo(hint)
    return named


def _refuse_another_id(held: ExportInfo, root: Path, chosen: str) -> None:
    if held.id:
        raise click.ClickException(
            f"the export at {root} has the id {held.id}, not {chosen}: if no cluster uses it "
            "under that id any more, say --replace"
        )


def _give_id(export: Export, chosen: str, present: Present, question: str) -> None:
    """Asks the question, where there is one, with the numbers that a person is to look at."""
    if question:
        _confirm(f"{present}. {question}")
    else:
        click.echo(str(present))
    export.accept(chosen)


def _confirm(question: str) -> None:
    """Raises ClickException unless a person says yes."""
    try:
        if click.confirm(question):
            return
    except click.Abort:
        if not sys.stdin.isatty():
            raise click.ClickException("no terminal to ask on: say --yes") from None
        raise
    raise click.ClickException("nothing was changed")


def _accept_restored(export: Export, leader: Leader, *, ask: bool) -> None:
    """Has the records of a restored export learn their directories, if there are such."""
    from holdfast.cli.export_ids import counted

    volumes = export.restored(leader.cluster)
    if not volumes:
        click.echo("its directories are those of its records: there is nothing to do")
        return
    shown = ", ".join(volumes[:_SHOWN]) + (", …" if len(volumes) > _SHOWN else "")
    click.echo(
        f"{counted(len(volumes), 'volume')} with another directory than the record names, as after "
        f"a restore: {shown}"
    )
    if ask:
        _confirm("Say that those there now are the volumes' own?")
    learned = counted(_learned(export, leader), "record")
    click.echo(f"{learned} written: the directories that are there now are the volumes' own")


def _learned(export: Export, leader: Leader) -> int:
    """How many records were written; a provisioner that works meanwhile begins its next term."""
    from holdfast.exports.errors import Fenced

    for _ in range(_ATTEMPTS - 1):
        try:
            return export.accept_restored(leader)
        except Fenced:
            continue
    return export.accept_restored(leader)


def _cluster(api: Api) -> str:
    """The cluster's uid, as the provisioner has it (`LeaderTasks`)."""
    from holdfast.kube.errors import Forbidden
    from holdfast.kube.resources import NAMESPACES

    try:
        return str(api.get(NAMESPACES, "kube-system")["metadata"]["uid"])
    except Forbidden:
        return ""
