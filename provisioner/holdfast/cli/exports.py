"""`holdfast exports`: list the exports, show which one is mounted, and accept it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from holdfast.claims.decide import Provisioner
from holdfast.claims.volume import Address
from holdfast.cli import export_options, options
from holdfast.cli.cluster import api_of, volumes_of
from holdfast.cli.confirm import confirm
from holdfast.cli.export_options import Config
from holdfast.cli.list_exports import list_exports
from holdfast.cli.options import EXPORT_ID, NAME, option
from holdfast.cli.show_export import show

if TYPE_CHECKING:
    from holdfast.cli.export_ids import Named
    from holdfast.cli.present import Present
    from holdfast.exports.export import Export
    from holdfast.exports.interface import ExportInfo, Leader
    from holdfast.kube.api import Api

_ATTEMPTS = 10  # each fails only if the provisioner begins a term meanwhile
_SHOWN = 3  # volumes in one line


@click.group(invoke_without_command=True)
@options.persons_kubeconfig
@option(
    "--provisioner-name",
    "PROVISIONER_NAME",
    "List only this provisioner's exports; default: those of all provisioners.",
    type=NAME,
)
@options.config
@click.option(
    "-n", "--namespace", default="", help="Where the Leases are; default: in all namespaces."
)
@options.output("table", "json")
@click.pass_context
def exports(
    context: click.Context,
    *,
    kubeconfig: str | None,
    provisioner_name: str | None,
    config: Config | None,
    namespace: str,
    output: str,
) -> None:
    """List the exports: leader, state, volumes, trash, latency. Commands about one of them.

    The leader of an export says in the export's Lease how it is, so a kubeconfig with the right to
    read Leases is enough. A provisioner without leader election has none.

    With --config, the exports of that file are listed, else those that have a Lease. Where Leases
    may not be listed, as in the pod, they are read by their names, for which --provisioner-name
    is needed. After an export without a leader stands how it was. Its Lease can be deleted if it
    is not served any more.

    LATENCY is that of the last probe of the export; TRASH is how many deleted volumes are not yet
    removed.

    Exits with 0 if each export has a leader and is served, 1 if not, or if the API server refuses,
    2 for an invalid option.
    """
    if context.invoked_subcommand:
        _refuse_options(context)
        return
    if config and not provisioner_name:
        raise click.UsageError("--config needs --provisioner-name")
    list_exports(kubeconfig, provisioner_name, config[1] if config else (), namespace, output)


def _refuse_options(context: click.Context) -> None:
    """Raises UsageError for options before the name of a command, which does not see them."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is ParameterSource.COMMANDLINE:
            command = context.invoked_subcommand
            raise click.UsageError(f"give {parameter.opts[-1]} after {command!r}, not before it")


exports.add_command(show)


@exports.command()
@options.provisioner
@export_options.one_export
@options.persons_kubeconfig
@click.option(
    "--id",
    "wanted",
    type=EXPORT_ID,
    metavar="ID",
    help="The id to write, if the volumes name more than one.",
)
@click.option("--allow-unnamed", is_flag=True, help="Accept an --id that no volume names.")
@click.option("--replace", is_flag=True, help="Overwrite the export's current id.")
@click.option(
    "--allow-empty", is_flag=True, help="Continue if none of the volumes' directories exists."
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def accept(
    *,
    provisioner_name: str,
    also_known_as: tuple[str, ...],
    kubeconfig: str | None,
    wanted: str | None,
    allow_unnamed: bool,
    replace: bool,
    allow_empty: bool,
    yes: bool,
    **where: Any,
) -> None:
    """Accept the mounted export as the one that the cluster's volumes were created on.

    Holdfast touches nothing on an export whose id is missing or differs from the one its volumes
    name, and it leaves a directory alone that is not the one in its record: a wrong or an empty
    export may be mounted. Run this command if the export is the right one after all; /readyz and
    events tell you when it is needed.

    If the export was restored from a backup or copied to other disks without .holdfast/export, it
    gets the id that the volumes name.

    If it was restored or copied with .holdfast/export, the records get the inodes of the
    directories that are there now, so that these can be reclaimed and the trash can be emptied.

    In the pod, if release and namespace are called holdfast:

    kubectl -n holdfast exec -it deploy/holdfast -- holdfast exports accept

    The command counts the volumes' directories and records that exist, shows what it will do, and
    asks for confirmation. It refuses if none of the directories exists. A second run finds nothing
    to do.

    Exits with 0 if the export has the id, 1 if it has not or you declined, 2 for an invalid option.
    """
    from holdfast.cli.export_ids import choose
    from holdfast.cli.present import present_on
    from holdfast.exports.errors import ExportError
    from holdfast.exports.export import Export
    from holdfast.kube.errors import KubeError

    provisioner = Provisioner(provisioner_name, also=frozenset(also_known_as))
    at = export_options.chosen(**where)
    root = at.root
    try:
        api, export = api_of(kubeconfig), Export(root)
        named = _named(api, provisioner, at.address)
        held = export.inspect_damaged()
        chosen = choose(named, held, wanted or "", allow_unnamed=allow_unnamed)
        present = present_on(export, named.of(chosen))
        if held.id == chosen:
            click.echo(f"the export at {root} has the id {chosen} already; {present}")
            _accept_restored(export, _leader(api, provisioner, at.name), ask=not yes)
            return
        if not replace:
            _refuse_another_id(held, root, chosen)
        if not allow_empty:
            present.refuse_empty()
        instead = f", in place of {held.id}" if held.id else ""
        what = f"Give the export at {root} the id {chosen}, {named.why(chosen)}{instead}?"
        _give_id(export, chosen, present, "" if yes else what)
        click.echo(
            f"the export at {root} has the id {chosen} now; a running provisioner resumes within "
            "seconds"
        )
    except (KubeError, ExportError) as error:
        raise click.ClickException(error.message) from error


def _named(api: Api, provisioner: Provisioner, address: Address) -> Named:
    """What the volumes name; prints a hint if some name another server."""
    from holdfast.cli.export_ids import named_by

    named = named_by(volumes_of(api), provisioner, address)
    if hint := named.hint():
        click.echo(hint)
    return named


def _refuse_another_id(held: ExportInfo, root: Path, chosen: str) -> None:
    if held.id:
        raise click.ClickException(
            f"the export at {root} has the id {held.id}, not {chosen}: if no cluster uses it "
            "under that id any more, add --replace"
        )


def _give_id(export: Export, chosen: str, present: Present, question: str) -> None:
    """Shows the numbers, asks the question if there is one, and writes the id."""
    if question:
        confirm(f"{present}. {question}")
    else:
        click.echo(str(present))
    export.accept(chosen)


def _accept_restored(export: Export, leader: Leader, *, ask: bool) -> None:
    """Writes the directories' inodes into the records of a restored export, if any differ."""
    from holdfast.cli.export_ids import counted

    volumes = export.restored(leader.cluster)
    if not volumes:
        click.echo("its directories match their records: there is nothing to do")
        return
    shown = ", ".join(volumes[:_SHOWN]) + (", …" if len(volumes) > _SHOWN else "")
    click.echo(
        f"{counted(len(volumes), 'volume')} whose directory is not the one in the record, as after "
        f"a restore: {shown}"
    )
    if ask:
        confirm("Accept the directories that are there now as the volumes' own?")
    learned = counted(_learned(export, leader), "record")
    click.echo(f"{learned} written: the directories that are there now are accepted")


def _learned(export: Export, leader: Leader) -> int:
    """Returns how many records were written; a running provisioner then begins its next term."""
    from holdfast.exports.errors import Fenced

    for _ in range(_ATTEMPTS - 1):
        try:
            return export.accept_restored(leader)
        except Fenced:
            continue
    return export.accept_restored(leader)


def _leader(api: Api, provisioner: Provisioner, export: str) -> Leader:
    from holdfast.exports.interface import Leader

    leases = provisioner.lease_of(export), provisioner.former_leases_of(export)
    return Leader(_cluster(api), *leases)


def _cluster(api: Api) -> str:
    """The cluster's uid, determined as in `LeaderTasks`."""
    from holdfast.kube.errors import Forbidden
    from holdfast.kube.resources import NAMESPACES

    try:
        return str(api.get(NAMESPACES, "kube-system")["metadata"]["uid"])
    except Forbidden:
        return ""
