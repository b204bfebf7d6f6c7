"""The options that commands share, each with its environment variable.

The variables have the names of nfs-subdir-external-provisioner's, so that its Deployment works with
this image.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from holdfast.claims.errors import Refused
from holdfast.claims.ownership import read_id, read_mode
from holdfast.claims.parameters import read_bool
from holdfast.controller.exports_config import read_exports
from holdfast.controller.settings import MOUNT_POINT, ExportSettings

_MOST_WORKERS = 64
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")

Command = TypeVar("Command", bound=Callable[..., Any])


class Read(click.ParamType[Any]):
    """An option type parsed by a function that raises Refused; the message names the option."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parses the value; a default is passed through."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except Refused as refused:
            self.fail(refused.message, param, ctx)


def _absolute(text: str, what: str = "the path that the server exports") -> str:
    if not text.startswith("/"):
        raise Refused(f"{text!r} is not absolute: give {what}")
    if ".." in text.split("/"):
        raise Refused(f"{text!r} contains '..': give {what}")
    return text


def _root(text: str) -> Path:
    root = Path(_absolute(text, "the folder where the export is mounted"))
    if not root.name:
        raise Refused(f"{text!r} is no folder of its own: give the one where the export is mounted")
    return root


def _name(text: str) -> str:
    if not text.strip() or any(character.isspace() for character in text):
        raise Refused(f"{text!r} is empty or contains white space")
    return text


def _server(text: str) -> str:
    if "/" in _name(text):
        raise Refused(f"{text!r} contains a slash: give the host name or address alone")
    return text


def _uuid_of(what: str) -> Callable[[str], str]:
    """Parses an id or uid, in upper or lower case."""

    def read(text: str) -> str:
        if not _UUID.fullmatch(text.lower()):
            raise Refused(f"{text!r} is not {what}, which is a UUID")
        return text.lower()

    return read


def _usual_kubeconfig() -> str | None:
    usual = Path.home() / ".kube" / "config"
    is_pod = "KUBERNETES_SERVICE_HOST" in os.environ
    return str(usual) if usual.is_file() and not is_pod else None


def _listen(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not _is_short_number(port) or int(port) > 65535:
        raise Refused(f"{text!r} is not an address: give HOST:PORT or :PORT")
    return host.strip("[]"), int(port)


def _is_short_number(text: str) -> bool:
    """Whether a text is a number in ASCII digits; int(…) refuses one of thousands of digits."""
    return text.isascii() and text.isdigit() and len(text) <= 5


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:  # also refuses `nan`
        raise Refused(f"{text!r} is not a deadline: give a number of seconds from 1 to 3600")
    return seconds


def _workers(text: str) -> int:
    if not _is_short_number(text) or not 1 <= int(text) <= _MOST_WORKERS:
        raise Refused(f"{text!r} is not valid: give a number of workers from 1 to {_MOST_WORKERS}")
    return int(text)


def _config(text: str) -> tuple[Path, tuple[ExportSettings, ...]]:
    path = Path(text)
    return path, read_exports(path)


def option(flag: str, variable: str, help_text: str, **more: Any) -> Callable[[Command], Command]:
    """A click option that shows its environment variable."""
    return click.option(flag, envvar=variable, show_envvar=True, help=help_text, **more)


def output(*formats: str) -> Callable[[Command], Command]:
    """In which format to print; the first is the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Output format.",
    )


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Combines options into one decorator, in this order in the help."""

    def decorate(command: Command) -> Command:
        for one in reversed(options):
            command = one(command)
        return command

    return decorate


MODE, ID = Read("octal", read_mode), Read("number", read_id)
BOOLEAN, NAME, PATH = Read("bool", read_bool), Read("name", _name), Read("path", _absolute)
SERVER = Read("server", _server)
ROOT, EXPORT_ID = Read("path", _root), Read("uuid", _uuid_of("the id of an export"))
CLUSTER = Read("uid", _uuid_of("the uid of a cluster's namespace kube-system"))
LISTEN, SECONDS = Read("address", _listen), Read("seconds", _seconds)
WORKERS, CONFIG = Read("number", _workers), Read("file", _config)

kubeconfig = option(
    "--kubeconfig",
    "KUBECONFIG",
    "The kubeconfig to use; default: the service account of the pod.",
    metavar="FILE",
)
persons_kubeconfig = option(
    "--kubeconfig",
    "KUBECONFIG",
    "The kubeconfig to use; default: ~/.kube/config, or in a pod its service account.",
    metavar="FILE",
    callback=lambda _context, _option, given: given or _usual_kubeconfig(),
)
provisioner_name = option(
    "--provisioner-name",
    "PROVISIONER_NAME",
    "The name in the field `provisioner` of StorageClasses.",
    type=NAME,
    required=True,
)
also_known_as = option(
    "--also-known-as",
    "HOLDFAST_ALSO_KNOWN_AS",
    "Another provisioner name to serve; may be repeated (in the variable: separated by spaces).",
    multiple=True,
    type=NAME,
)
takes_over = option(
    "--takes-over",
    "HOLDFAST_TAKES_OVER",
    "A cluster that no longer exists, by the uid of its namespace kube-system: its records become "
    "this cluster's, and claims may reuse the directories retained there; may be repeated (in the "
    "variable: separated by spaces).",
    multiple=True,
    type=CLUSTER,
)
provisioner = together(provisioner_name, also_known_as)
root = option(
    "--root",
    "HOLDFAST_ROOT",
    "Where the export is mounted.",
    type=ROOT,
    default=MOUNT_POINT,
    show_default=True,
)
address = together(
    option(
        "--nfs-server",
        "NFS_SERVER",
        "The NFS server that pods mount from: host name or address.",
        type=SERVER,
    ),
    option(
        "--nfs-path",
        "NFS_PATH",
        "The exported path, as pods mount it.",
        type=PATH,
    ),
    option(
        "--nfs-server-alias",
        "HOLDFAST_NFS_SERVER_ALIASES",
        "Another name or address of the same server that volumes may name; may be repeated "
        "(in the variable: separated by spaces).",
        multiple=True,
        type=SERVER,
    ),
)
config = option(
    "--config",
    "HOLDFAST_CONFIG",
    "A file that lists several exports, instead of the options of one export "
    "(docs/operations.md, Several exports).",
    type=CONFIG,
    metavar="FILE",
)
