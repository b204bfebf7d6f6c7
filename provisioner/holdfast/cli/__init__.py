"""What a person types: `holdfast COMMAND`."""

from __future__ import annotations

import click

from holdfast import __version__
from holdfast.cli.check import check
from holdfast.cli.exports import exports
from holdfast.cli.run import run
from holdfast.cli.volumes import volumes

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="holdfast")
def main() -> None:
    """Durable Kubernetes volumes on a plain NFS server.

    `holdfast run` is what the pod runs. The other commands are for a person: they need only a
    kubeconfig, and `check` and `exports` the export as well.

    Each option can be given as the environment variable that its help names.
    """


for command in (run, check, volumes, exports):
    main.add_command(command)
