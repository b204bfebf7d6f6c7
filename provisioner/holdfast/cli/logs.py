"""Log formats: JSON lines for machines, aligned text for people."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

FORMATS = ("json", "console")
LEVELS = ("debug", "info", "warning", "error")


def configure(style: str, level: str) -> None:
    """Configures structlog for the process; logs go to standard error."""
    last: Processor = structlog.processors.JSONRenderer()
    if style == "console":
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
