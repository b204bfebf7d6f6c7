"""Which exports a command is about: that of --nfs-server and --nfs-path, or those of --config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from holdfast.claims.build_volume import Address
from holdfast.cli import options
from holdfast.controller.settings import ExportSettings

Config = tuple[Path, tuple[ExportSettings, ...]]

one_export = options.together(
    options.address,
    options.config,
    click.option(
        "--export",
        metavar="NAME",
        help="The export of the file that --config names; needed if it lists several.",
    ),
    options.root,
)


def exports_of(
    *,
    config: Config | None,
    nfs_server: str | None,
    nfs_path: str | None,
    nfs_server_alias: tuple[str, ...],
    root: Path,
    deadline: float = 30.0,
) -> tuple[ExportSettings, ...]:
    """The exports of the file, or the one of the other options; raises UsageError."""
    refuse_both(config, nfs_server, nfs_path)
    if config:
        return config[1]
    if not (nfs_server and nfs_path):
        missing = "--nfs-path" if nfs_server else "--nfs-server"
        variable = missing.removeprefix("--").replace("-", "_").upper()
        raise click.UsageError(
            f"Missing option '{missing}' (env var: '{variable}'); for several exports, give "
            "'--config'"
        )
    address = Address(nfs_server, nfs_path, frozenset(nfs_server_alias))
    return (ExportSettings(address=address, root=root, deadline=deadline),)


def refuse_both(config: Config | None, nfs_server: str | None, nfs_path: str | None) -> None:
    """Raises UsageError if exports are given in both ways."""
    if config and (nfs_server or nfs_path):
        raise click.UsageError(
            "--config lists the exports: do not give --nfs-server or --nfs-path, and unset "
            "NFS_SERVER and NFS_PATH"
        )


def chosen(*, export: str | None, **where: Any) -> ExportSettings:
    """The one export that the options `one_export` name; raises UsageError.

    `where` are the options of `exports_of`.
    """
    exports = exports_of(**where)
    found = [one for one in exports if export in {None, one.name}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in exports)
    if not found:
        raise click.UsageError(f"there is no export {export!r}: give --export one of {names}")
    raise click.UsageError(f"--config lists several exports: give --export one of {names}")
