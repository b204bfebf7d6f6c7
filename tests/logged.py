"""What is logged within a block, for tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holdfast.log import fields_of


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = {"event": record.getMessage(), "log_level": record.levelname.lower()}
        self.lines.append(line | fields_of(record))


@contextmanager
def captured_logs() -> Iterator[list[dict[str, Any]]]:
    """Each event as a dictionary of `event`, `log_level` and its fields; nothing is written."""
    logger, collector = logging.getLogger("holdfast"), _Collector()
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [collector], False
    logger.setLevel(logging.DEBUG)
    try:
        yield collector.lines
    finally:
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])
