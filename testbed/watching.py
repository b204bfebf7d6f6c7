"""Follows the objects at one path of the API server, over restarts of that server too."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Final

import urllib3
from urllib3.response import BaseHTTPResponse, HTTPResponse

from testbed.client import Client, Json
from testbed.errors import RequestError

_PAUSE: Final = 0.2  # seconds between attempts to reach the server
_SILENCE: Final = 4.0  # seconds; bounds how long `stop` waits for one that accepts only
_TROUBLE: Final = (RequestError, urllib3.exceptions.HTTPError, OSError, ValueError)
STOP_DEADLINE: Final = 5.0


class Watcher:
    """One thread that calls `on_object` with each object there is, and each time one changes.

    Deletions are not told. All objects are told again after a lost connection, after some seconds
    in which nothing changed, and when `on_object` raises an error of the API or of the network.
    """

    def __init__(self, client: Client, path: str, on_object: Callable[[Json], None]) -> None:
        self._client = client
        self._path = path
        self._on_object = on_object
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._response: BaseHTTPResponse | None = None
        self._thread = threading.Thread(target=self._run, name=f"watch {path}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, also when the server is silent."""
        self._stopped.set()
        with self._lock:
            if isinstance(self._response, HTTPResponse):
                self._response.shutdown()
        self._thread.join(STOP_DEADLINE)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except _TROUBLE:
                self._stopped.wait(_PAUSE)

    def _follow(self) -> None:
        # Without a resourceVersion, a watch begins with an event for each object there is.
        # https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-watch
        with self._client.stream(f"{self._path}?watch=true", _SILENCE) as response:
            self._keep(response)
            try:
                self._read(response)
            finally:
                self._keep(None)

    def _read(self, response: BaseHTTPResponse) -> None:
        if self._stopped.is_set():
            return
        for line in response:
            event = json.loads(line)
            if event["type"] == "ERROR":
                return
            if event["type"] != "DELETED":
                self._on_object(event["object"])

    def _keep(self, response: BaseHTTPResponse | None) -> None:
        with self._lock:
            self._response = response
