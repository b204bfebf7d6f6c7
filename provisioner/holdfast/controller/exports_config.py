"""The file that lists the exports of one provisioner: a ConfigMap's, given by `--config`.

    exports:
      - name: fast                  # what the parameter `export` of a StorageClass calls it
        server: nas.example.com     # where pods mount it from
        path: /srv/fast
        serverAliases: [192.0.2.1]  # other names of the server
        mount: /exports/fast        # where it is mounted here; /exports/NAME if not given
        deadline: 30                # seconds after which an operation counts as hung
        mode: "0770"                # of new directories, and their owner
        uid: 1000
        gid: 1000

The first export serves the classes that name none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from holdfast.claims.build_volume import Address
from holdfast.claims.errors import Refused
from holdfast.claims.ownership import Ownership, read_id, read_mode
from holdfast.claims.paths import cleaned, overlap
from holdfast.controller.settings import ExportSettings

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123 label
_MOUNTS = Path("/exports")
_LONGEST_DEADLINE = 3600.0

# What PyYAML raises besides its own errors for a text that does not fit its explicit type.
_NO_VALUE = (ValueError, TypeError, LookupError, AttributeError, OverflowError)


def read_exports(path: Path) -> tuple[ExportSettings, ...]:
    """The exports that a file lists.

    Raises:
        Refused: the file cannot be read, or a field of it; the message names both.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise Refused(f"cannot read {path}: {error}") from error
    except Refused as refused:
        raise Refused(f"{path}: {refused.message}") from None


class _Loader(yaml.SafeLoader):
    """Names the line of a value that its type cannot have, and of a key that is given twice."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        _refuse_second(key for key, _ in node.value)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        try:
            return super().construct_object(node, deep=deep)
        except _NO_VALUE as error:
            line = node.start_mark.line + 1
            raise Refused(f"line {line} has an invalid value: {error}") from error


def _refuse_second(keys: Iterable[yaml.Node]) -> None:
    """Raises Refused for a key that a mapping has already: YAML would take the last value alone."""
    lines: dict[str, int] = {}
    for key in keys:
        if isinstance(key, yaml.ScalarNode):
            line = key.start_mark.line + 1
            if key.value in lines:
                raise Refused(
                    f"line {line} gives {_shown(key.value)} again, after line {lines[key.value]}: "
                    "keep one of them"
                )
            lines[key.value] = line


def parse(text: str) -> tuple[ExportSettings, ...]:
    """As `read_exports`, of the file's text; raises nothing but Refused, whatever is in it."""
    try:
        return _exports(yaml.load(text, _Loader))  # noqa: S506 -- a SafeLoader
    except yaml.YAMLError as error:
        raise Refused(_not_yaml(error)) from error
    except RecursionError as error:
        raise Refused("this is nested too deeply") from error
    except ValueError as error:  # an integer too long to be shown
        raise Refused(f"this has an invalid value: {error}") from error


def _not_yaml(error: yaml.YAMLError) -> str:
    """What is wrong with the text, and where, in a line."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"this is not YAML: {str(error).splitlines()[0]}"
    line = f"in line {error.problem_mark.line + 1}" if error.problem_mark else "somewhere"
    if error.problem == "but found another document":
        return f"a second document begins {line}: list all exports in one"
    context = f"{error.context}, " if error.context else ""
    return f"this is not YAML: {context}{error.problem}, {line}"


def _exports(given: Any) -> tuple[ExportSettings, ...]:
    listed = given.get("exports") if isinstance(given, dict) else None
    if listed == []:
        raise Refused("the list `exports` is empty: list at least one export")
    if isinstance(given, dict) and (unknown := given.keys() - {"exports"}):
        name = _shown(min(map(str, unknown)))
        raise Refused(f"{name} is unknown: give a list `exports`, and nothing beside it")
    if not isinstance(listed, list):
        raise Refused("give a list `exports`, and nothing beside it")
    found = tuple(_export(f"exports[{number}]", one) for number, one in enumerate(listed))
    for number, export in enumerate(found):
        for other in found[:number]:
            _refuse_if_overlapping(other, export)
    return found


def _export(where: str, given: Any) -> ExportSettings:
    if not isinstance(given, dict):
        raise Refused(f"{where} is {given!r}: give a mapping with name, server and path")
    if unknown := given.keys() - _FIELDS.keys():
        name = _shown(min(map(str, unknown)))
        raise Refused(f"{where}.{name} is unknown; the fields are {', '.join(_FIELDS)}")
    read = {name: _read(f"{where}.{name}", _FIELDS[name], value) for name, value in given.items()}
    for name in ("name", "server", "path"):
        if name not in read:
            raise Refused(f"{where}.{name} is missing")
    return _settings(read)


def _settings(read: Mapping[str, Any]) -> ExportSettings:
    owner = {name: read[name] for name in ("mode", "uid", "gid") if name in read}
    return ExportSettings(
        name=read["name"],
        address=Address(read["server"], read["path"], read.get("serverAliases", frozenset())),
        root=read.get("mount", _MOUNTS / read["name"]),
        deadline=read.get("deadline", 30.0),
        ownership=Ownership(**owner) if owner else None,
    )


def _read(where: str, read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except Refused as refused:
        raise Refused(f"{where} {refused.message}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value or " " in value:
        raise Refused(
            f"is {_told(value)}; it must be text without white space and control characters"
        )
    return value


def _server(value: Any) -> str:
    server = _text(value)
    if "/" in server:
        raise Refused(f"is {value!r}; it must be a host name or address, without the path")
    return server


def _told(value: Any) -> str:
    """A value in a message, with a hint where YAML takes a word or a number for something else."""
    is_text = value is None or isinstance(value, str | list | dict)
    return repr(value) if is_text else f"{value!r}, which is text only in quotes"


def _shown(name: str) -> str:
    """A field's name for a message, which may have half characters that cannot be encoded."""
    return name if name.isprintable() else repr(name)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Refused(
            f"is {_told(value)}; it must be at most 63 lower-case letters, digits and hyphens, and "
            "begin and end with a letter or digit"
        )
    return value


def _absolute(value: Any) -> str:
    path = _text(value)
    if not path.startswith("/") or ".." in path.split("/"):
        raise Refused(f"is {value!r}; it must be an absolute path without '..'")
    return path


def _mount(value: Any) -> Path:
    path = Path(_absolute(value))
    if not path.name:
        raise Refused(f"is {value!r}; it must be a folder of its own, such as {_MOUNTS}/NAME")
    return path


def _names(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise Refused(f"is {value!r}; it must be a list of host names and addresses")
    return frozenset(map(_server, value))


def _deadline(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 1 <= value <= _LONGEST_DEADLINE:
        raise Refused(f"is {value!r}; it must be a number of seconds from 1 to 3600")
    return float(value)


def _mode(value: Any) -> int:
    if not isinstance(value, str):  # 0770 is 504 for a YAML 1.1 parser, and 770 for others
        raise Refused(f"is {value!r}; it must be in quotes, such as '0770'")
    return read_mode(value)


def _id(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Refused(f"is {value!r}; it must be a number")
    return read_id(str(value))


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "name": _name,
    "server": _server,
    "path": _absolute,
    "serverAliases": _names,
    "mount": _mount,
    "deadline": _deadline,
    "mode": _mode,
    "uid": _id,
    "gid": _id,
}


def _refuse_if_overlapping(one: ExportSettings, other: ExportSettings) -> None:
    """Raises Refused for exports that could not be told apart."""
    both = f"exports {one.name!r} and {other.name!r}"
    if one.name == other.name:
        raise Refused(f"two exports have the name {one.name!r}: give each its own")
    if overlap(_rooted(one.root), _rooted(other.root)):
        raise Refused(
            f"{both} are mounted within each other, at {one.root} and {other.root}: give each a "
            f"`mount` of its own, or none (then it is {_MOUNTS}/NAME)"
        )
    address = one.address
    names = {other.address.server, *other.address.aliases}
    if any(map(address.is_served_by, names)) and overlap(
        _rooted(address.path), _rooted(other.address.path)
    ):
        raise Refused(f"{both} overlap, at {address} and {other.address}: list the outer one only")


def _rooted(path: object) -> str:
    """A path to compare; empty for `/`, above all others."""
    names = cleaned(str(path))
    return f"/{names}" if names else ""
