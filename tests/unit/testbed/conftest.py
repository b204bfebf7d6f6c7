"""An empty machine to find programs on, and release servers with small fake programs."""

from __future__ import annotations

import http.server
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

VARIABLES = ("KUBEBUILDER_ASSETS", "HOLDFAST_RELEASE_URL", "HOLDFAST_ETCD_URL")


class ReleaseServer:
    """Serves what is in `files` (path: content), and counts what was asked for.

    Of those in `cut` it sends the first half; those in `redirected` it has elsewhere.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.redirected: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/mirror"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.removeprefix("/mirror/")
                owner.asked[path] += 1
                content = owner.files.get(path)
                if path in owner.redirected:
                    self.send_response(302)
                    self.send_header("Location", owner.redirected[path])
                    self.end_headers()
                    return
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write((content or b"")[: self._size(path, content or b"")])

            def _size(self, path: str, content: bytes) -> int:
                return len(content) // (2 if path in owner.cut else 1)

            def log_message(self, *_: Any) -> None:
                """Keep the tests' output to themselves."""

        return Handler


@pytest.fixture
def mirror() -> Iterator[ReleaseServer]:
    with ReleaseServer() as server:
        yield server


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No program, no cache, no Go, no internet; PATH is the empty folder that is returned."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOLDFAST_RELEASE_URL", "none")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    path = tmp_path / "path"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    return path
