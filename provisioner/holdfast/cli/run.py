"""`holdfast run`: the provisioner itself."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from holdfast.claims.decide import Provisioner
from holdfast.claims.ownership import Ownership
from holdfast.cli import logs, options
from holdfast.cli.export_options import Config, exports_of, refuse_both
from holdfast.cli.options import BOOLEAN, ID, LISTEN, MODE, SECONDS, WORKERS, option
from holdfast.controller.settings import Settings


@click.command()
@options.provisioner_name
@options.address
@options.config
@options.kubeconfig
@option(
    "--leader-election",
    "ENABLE_LEADER_ELECTION",
    "Work only while holding a Lease, so that other replicas can stand by.",
    type=BOOLEAN,
    default="true",
    show_default=True,
)
@option(
    "--default-mode",
    "NFS_DEFAULT_MODE",
    "Permission bits of a new directory.",
    type=MODE,
    default="0777",
    show_default=True,
)
@option("--default-uid", "NFS_DEFAULT_UID", "Owner of a new directory.", type=ID)
@option("--default-gid", "NFS_DEFAULT_GID", "Group of a new directory.", type=ID)
@options.also_known_as
@option(
    "--finalizer",
    "HOLDFAST_FINALIZER",
    "Keep deleted volumes with reclaim policy Delete until their directory is reclaimed, also if "
    "they are deleted before their claim.",
    type=BOOLEAN,
    default="true",
    show_default=True,
)
@options.takes_over
@options.root
@option(
    "--http",
    "HOLDFAST_HTTP",
    "Where to serve /healthz, /readyz and /metrics; without a host, on all addresses.",
    type=LISTEN,
    metavar="[HOST]:PORT",
    default=":8080",
    show_default=True,
)
@option(
    "--workers",
    "HOLDFAST_WORKERS",
    "Number of claims, and of volumes, that are processed at once.",
    type=WORKERS,
    default="8",
    show_default=True,
)
@option(
    "--export-deadline",
    "HOLDFAST_EXPORT_DEADLINE",
    "Seconds after which an operation on the export times out.",
    type=SECONDS,
    default="30",
    show_default=True,
)
@option(
    "--log-format",
    "HOLDFAST_LOG_FORMAT",
    "Format of the logs.",
    type=click.Choice(logs.FORMATS),
    default="json",
    show_default=True,
)
@option(
    "--log-level",
    "HOLDFAST_LOG_LEVEL",
    "Lowest level that is logged.",
    type=click.Choice(logs.LEVELS),
    default="info",
    show_default=True,
)
def run(log_format: str, log_level: str, **given: Any) -> None:
    """Serve the claims of a StorageClass from an NFS export.

    The export must be mounted at --root, and StorageClasses must name this provisioner. It can
    replace nfs-subdir-external-provisioner in an existing Deployment: environment variables,
    parameters and directory names have the same meaning.

    Exits with 0 after SIGTERM or SIGINT, 1 if it cannot start (no usable kubeconfig, or the address
    of --http is in use), 2 for an invalid option, 3 if the export's mount is stale and only a new
    pod can mount it again, 4 if it lost its lease while a call to the export hung. It waits for an
    export or an API server that is unavailable.
    """
    logs.configure(log_format, log_level)
    refuse_both(click.get_current_context())
    from holdfast.controller.manager import Manager
    from holdfast.kube.errors import ConfigurationError

    try:
        manager = Manager(_settings(**given))
    except ConfigurationError as error:
        raise click.ClickException(error.message) from error
    except OSError as error:
        host, port = given["http"]
        raise click.ClickException(f"cannot serve HTTP at {host}:{port}: {error}") from error
    os.umask(0o022)  # for a directory's parents; its own mode is set explicitly
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: manager.stop())
    code = manager.run()
    sys.stderr.flush()
    os._exit(code)  # an ordinary exit would wait forever for a thread that hangs in a dead mount


def _settings(
    *,
    provisioner_name: str,
    nfs_server: str | None,
    nfs_path: str | None,
    config: Config | None,
    nfs_server_alias: tuple[str, ...],
    default_mode: int,
    default_uid: int | None,
    default_gid: int | None,
    also_known_as: tuple[str, ...],
    finalizer: bool,
    takes_over: tuple[str, ...],
    root: Path,
    export_deadline: float,
    http: tuple[str, int],
    **others: Any,
) -> Settings:
    exports = exports_of(
        config=config,
        nfs_server=nfs_server,
        nfs_path=nfs_path,
        nfs_server_alias=nfs_server_alias,
        root=root,
        deadline=export_deadline,
    )
    return Settings(
        provisioner=Provisioner(
            provisioner_name,
            also=frozenset(also_known_as),
            ownership=Ownership(default_mode, default_uid, default_gid),
            finalizer=finalizer,
            takes_over=frozenset(takes_over),
            exports=tuple(export.name for export in exports),
        ),
        exports=exports,
        config=config[0] if config else None,
        http_host=http[0],
        http_port=http[1],
        **others,
    )
