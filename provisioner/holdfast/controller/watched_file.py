"""Watches the file that lists the exports, as a ConfigMap's changes while the process runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from holdfast.claims.errors import Refused
from holdfast.controller.exports_config import parse
from holdfast.controller.settings import ExportSettings
from holdfast.log import Logger

_log = Logger(__name__)

_LOOK = 2.0  # seconds between two looks; the kubelet takes a minute to bring a change


class WatchedFile:
    """Compares contents, not times: a ConfigMap's file is a symlink that is swapped.

    A content counts once two looks in a row have found it: of a file that is being written, one
    look may find the first lines alone.

    Attributes:
        mistake: what is wrong with the file; empty where the last good one is the last.
    """

    def __init__(
        self, path: Path, exports: tuple[ExportSettings, ...], warn: Callable[[str], object]
    ) -> None:
        """`exports` are those that were read before, and are no news.

        `warn` is told what is wrong, once as long as it stays the same.
        """
        self.mistake = self._mistake_in_text = ""
        self._path = path
        self._exports = exports
        self._warn = warn
        self._text: str | None = None
        self._seen: str | None = None
        self._due = time.monotonic() + _LOOK

    def news(self) -> tuple[ExportSettings, ...]:
        """What the file lists, if that has changed; empty if it has not, or is wrong."""
        if time.monotonic() < self._due:
            return ()
        self._due = time.monotonic() + _LOOK
        before, self._seen = self._seen, self._read()
        if self._seen is None:
            return ()
        if self._seen == self._text:
            self.mistake = self._mistake_in_text
        elif self._seen == before:
            self._text = self._seen
            return self._news_in(self._text)
        return ()

    def _news_in(self, text: str) -> tuple[ExportSettings, ...]:
        self._mistake_in_text = ""
        try:
            exports = parse(text)
        except Refused as refused:
            self._mistake_in_text = f"{self._path}: {refused.message}"
            self._refuse(self._mistake_in_text)
            return ()
        self.mistake = ""
        if exports == self._exports:
            return ()
        self._exports = exports
        _log.info("configuration read", file=str(self._path), exports=len(exports))
        return exports

    def _read(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            self._refuse(f"cannot read {self._path}: {error}")
            return None

    def _refuse(self, mistake: str) -> None:
        if mistake != self.mistake:
            self.mistake = mistake
            message = f"{mistake}; the exports of the last good file are served"
            _log.warning("configuration refused", reason=message)
            self._warn(message)
