"""Log formats: JSON lines for machines, aligned text for people."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from holdfast.log import fields_of

FORMATS = ("json", "console")
LEVELS = ("debug", "info", "warning", "error")

# ECMA-48, "Select graphic rendition".
_RESET, _BOLD, _DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
_RED, _GREEN, _YELLOW, _MAGENTA, _CYAN = (f"\x1b[{number}m" for number in (31, 32, 33, 35, 36))
_NEEDS_QUOTES = frozenset(" \t\r\n\"'=")


def configure(style: str, level: str) -> None:
    """Sets the logs of the process up; they go to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if style == "json" else _Console(colours=sys.stderr.isatty()))
    ours = logging.getLogger("holdfast")
    ours.handlers = [handler]
    ours.setLevel(level.upper())
    ours.propagate = False  # a library that sets the root up does not write our lines again


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = fields_of(record) | {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "timestamp": _time(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=repr)


class _Console(logging.Formatter):
    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        level = self._in(_colour_of(record), record.levelname.lower().ljust(9))
        event = self._in(_BOLD, record.getMessage().ljust(30))
        pairs = "".join(self._pair(*pair) for pair in sorted(fields_of(record).items()))
        line = f"{self._in(_DIM, _time(record))} [{level}] {event}{pairs}".rstrip()
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line

    def _pair(self, key: str, value: Any) -> str:
        return f" {self._in(_CYAN, key)}={self._in(_MAGENTA, _text(value))}"

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colours else text


def _colour_of(record: logging.LogRecord) -> str:
    if record.levelno >= logging.ERROR:
        return _RED + _BOLD
    return (_YELLOW if record.levelno >= logging.WARNING else _GREEN) + _BOLD


def _text(value: Any) -> str:
    is_plain = isinstance(value, str) and _NEEDS_QUOTES.isdisjoint(value)
    return value if is_plain else repr(value)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
