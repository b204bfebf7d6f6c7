"""The command line: `holdfast COMMAND`."""

from __future__ import annotations

import click

from holdfast import __version__
from holdfast.cli.check import check
from holdfast.cli.commands import Commands
from holdfast.cli.exports import exports
from holdfast.cli.run import run
from holdfast.cli.uninstall import uninstall
from holdfast.cli.volumes import volumes

__all__ = ["main"]


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="holdfast")
def main() -> None:
    """Durable Kubernetes volumes on a plain NFS server.

    The provisioner's pod runs `holdfast run`. The other commands are for administrators: they need
    only a kubeconfig, and `check`, `exports show` and `exports accept` also need the mounted
    export.

    Each option can also be set by the environment variable that its help names.
    """


for command in (run, check, volumes, exports, uninstall):
    main.add_command(command)
