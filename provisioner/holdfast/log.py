"""Events with fields, on the standard library's loggers: `log.info("volume made", claim=...)`.

`cli/logs.py` decides how they look. Rejected: structlog, which imports rich, pygments and asyncio
wherever it is imported, 10 MiB for a process that writes one JSON line now and then.
"""

from __future__ import annotations

import logging
from typing import Any


class Logger:
    """One module's logger; the fields it is bound to go with every event."""

    def __init__(self, name: str, **fields: Any) -> None:
        """`name` is the module's `__name__`."""
        self._logger = logging.getLogger(name)
        self._fields = fields

    def bind(self, **fields: Any) -> Logger:
        """The same logger, with more fields."""
        return Logger(self._logger.name, **self._fields | fields)

    def debug(self, event: str, **fields: Any) -> None:
        """What only somebody who looks for a fault wants to know."""
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """What was done."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """What did not work, and may with time or with somebody's help."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """What does not work until somebody does something."""
        self._log(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        """An error with the traceback of the exception that is being handled."""
        self._log(logging.ERROR, event, fields, exc_info=True)

    def _log(
        self, level: int, event: str, fields: dict[str, Any], *, exc_info: bool = False
    ) -> None:
        extra = {"fields": self._fields | fields}
        self._logger.log(level, event, exc_info=exc_info, extra=extra, stacklevel=3)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a logged event; none where somebody else logged it."""
    fields: dict[str, Any] = getattr(record, "fields", {})
    return fields
