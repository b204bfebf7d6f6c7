"""Which exports a command is about: that of --nfs-server and --nfs-path, or those of --config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

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
_OF_ONE = {"nfs_server", "nfs_path", "nfs_server_alias", "root", "export_deadline"}


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


def refuse_both(context: click.Context) -> None:
    """Raises UsageError if exports are given in both ways, by options or by variables."""
    if not context.params["config"]:
        return
    options = " or ".join(one.opts[-1] for one in _given(context, ParameterSource.COMMANDLINE))
    variables = " and ".join(
        str(one.envvar) for one in _given(context, ParameterSource.ENVIRONMENT)
    )
    advice = [f"do not give {options}"] * bool(options) + [f"unset {variables}"] * bool(variables)
    if advice:
        raise click.UsageError(f"--config lists the exports: {', and '.join(advice)}")


def _given(context: click.Context, source: ParameterSource) -> list[click.Parameter]:
    """The options of one export that are given in this way."""
    return [
        one
        for one in context.command.params
        if one.name in _OF_ONE and context.get_parameter_source(one.name) is source
    ]


def chosen(
    *, export: str | None, **where: Any
) -> tuple[ExportSettings, tuple[ExportSettings, ...]]:
    """The one export that the options `one_export` name, and all that the file lists, if any.

    `where` are the options of `exports_of`. Raises UsageError.
    """
    refuse_both(click.get_current_context())
    exports = exports_of(**where)
    found = [one for one in exports if export in {None, one.name}]
    if len(found) == 1:
        return found[0], exports if where["config"] else ()
    names = ", ".join(one.name for one in exports)
    if not found:
        raise click.UsageError(f"there is no export {export!r}: give --export one of {names}")
    raise click.UsageError(f"--config lists several exports: give --export one of {names}")
