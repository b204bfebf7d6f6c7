"""Encodes the interface's data as JSON and decodes it, by the types in `interface.Exports`."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from holdfast.exports.interface import ExportInterface, Grant

METHODS = frozenset(name for name in vars(ExportInterface) if not name.startswith("_"))


def encode(value: Any) -> Any:
    """Converts data of the interface to what `json.dumps` accepts."""
    if isinstance(value, Grant):
        value = Grant(value.term, value.left())
    if is_dataclass(value):
        return {one.name: encode(getattr(value, one.name)) for one in fields(value) if one.init}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [encode(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): encode(one) for name, one in value.items()}
    return value


def decode(kind: Any, value: Any) -> Any:
    """Converts JSON from `encode` to a type of the interface.

    Raises:
        ValueError, TypeError: the JSON does not fit the type.
    """
    origin = get_origin(kind)
    if origin in {typing.Union, types.UnionType}:
        return _decode_union(get_args(kind), value)
    if origin is tuple:
        return tuple(decode(get_args(kind)[0], one) for one in _of(list, value))
    if origin in {dict, Mapping}:
        return dict(_of(dict, value))
    if kind is Any:
        return value
    if is_dataclass(kind) and isinstance(kind, type):
        given, hints = _of(dict, value), _hints(kind)
        return kind(**{name: decode(hints[name], one) for name, one in given.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    return _plain(kind, value)


def named(method: str, given: tuple[Any, ...], by_name: Mapping[str, Any]) -> dict[str, Any]:
    """Binds a call's arguments to their names; raises TypeError as the call would."""
    bound = inspect.signature(getattr(ExportInterface, method)).bind(None, *given, **by_name)
    return {name: value for name, value in bound.arguments.items() if name != "self"}


def arguments(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Decodes a call's arguments; raises TypeError, ValueError or KeyError if they are invalid."""
    hints = _method_hints(method)
    return named(method, (), {name: decode(hints[name], one) for name, one in given.items()})


def result(method: str, value: Any) -> Any:
    """Decodes a call's result; raises TypeError, ValueError or KeyError if it is invalid."""
    return decode(_method_hints(method)["return"], value)


def _decode_union(kinds: tuple[Any, ...], value: Any) -> Any:
    if value is None and type(None) in kinds:
        return None
    return decode(next(kind for kind in kinds if kind is not type(None)), value)


def _plain(kind: Any, value: Any) -> Any:
    if kind is float and type(value) in {int, float}:
        return _finite(value)
    if kind is type(None) and value is None:
        return None
    if type(value) is not kind:
        raise TypeError(f"{value!r} is not of type {kind}")
    return value


def _finite(value: float) -> float:
    """Refuses NaN, Infinity and 1e999, which Python's JSON parser accepts."""
    if not -sys.float_info.max <= value <= sys.float_info.max:
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _method_hints(method: str) -> dict[str, Any]:
    return get_type_hints(getattr(ExportInterface, method))
