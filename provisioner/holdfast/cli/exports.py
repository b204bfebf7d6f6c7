"""`holdfast exports`: list the exports, show which one is mounted, and accept it."""

from __future__ import annotations

import click
from click.core import ParameterSource

from holdfast.cli import options
from holdfast.cli.accept_export import accept
from holdfast.cli.export_options import Config
from holdfast.cli.list_exports import list_exports
from holdfast.cli.options import NAME, option
from holdfast.cli.show_export import show


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
    """List the exports: leader, state, volumes, trash, latency; or show or accept one of them.

    The leader of an export writes its state on the export's Lease, so a kubeconfig that may read
    Leases is enough. Without leader election, there is no Lease.

    With --config, the exports of that file are listed, else those that have a Lease. Where Leases
    may not be listed, as in the pod, they are read by their names, for which --provisioner-name
    is needed.

    STATE is serving, unavailable, no-term (its leader cannot begin its term), stopped (its leader
    has just ended), removed (it is not configured any more: its Lease can be deleted), or
    no-leader. The reason is below the table; for an export without a leader, its last state is
    there. -o json shows the state and reason of the last leader; `leader` is empty if they are old.

    LATENCY is that of the last probe of the export; TRASH is how many deleted volumes are not yet
    removed.

    Exits with 0 if each export is served or removed, 1 if one is not, if there is none, or if the
    API server refuses, 2 for an invalid option.
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
exports.add_command(accept)
