"""The API server, asked through one `kubectl proxy`.

It knows every way that a kubeconfig can name. Its start takes a small machine a second or more, so
one serves all questions; its socket is in a folder that nobody else may enter.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .objects import Object

_ANSWER_SECONDS = 60
_START_SECONDS = 60
_MERGE_PATCH = "application/merge-patch+json"


class ApiError(Exception):
    """The API server refused, or there was no answer; the message says which."""

    def __init__(self, message: str, status: int = 0) -> None:
        """`status` is that of HTTP; 0 where there was no answer."""
        super().__init__(message)
        self.status = status


class Api:
    """Requests by path, as `/api/v1/nodes`; each raises ApiError."""

    def __init__(self, path: Path) -> None:
        """`path` is the socket of a proxy that runs."""
        self._path = path

    def find(self, path: str) -> Object | None:
        """An object or a list of them; None where there is none."""
        try:
            found: Object = json.loads(self.text(path))
        except ApiError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise
        return found

    def text(self, path: str) -> str:
        """An answer that is not JSON, as a log is not."""
        return self._send("GET", path)

    def create(self, path: str, wanted: Object) -> None:
        """Makes an object in the list at `path`."""
        self._send("POST", path, wanted)

    def patch(self, path: str, change: Object) -> None:
        """Merges a change into an object (RFC 7386)."""
        self._send("PATCH", path, change, _MERGE_PATCH)

    def delete(self, path: str) -> None:
        """Begins the end of an object, or of all in a list; one that is not there has ended."""
        try:
            self._send("DELETE", path)
        except ApiError as error:
            if error.status != http.client.NOT_FOUND:
                raise

    def _send(
        self, method: str, path: str, body: Object | None = None, kind: str = "application/json"
    ) -> str:
        text = None if body is None else json.dumps(body)
        connection = _Connection(self._path)
        try:
            connection.request(method, path, text, {"Content-Type": kind})
            answer = connection.getresponse()
            said = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(f"kubectl proxy does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise ApiError(_message(said), answer.status)
        return said


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket of this machine; the proxy answers to no other host than localhost."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_ANSWER_SECONDS)
        self.sock.connect(str(self._path))


def _message(said: str) -> str:
    """What the API server says in its Status, or what the proxy says of not reaching it."""
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError, TypeError):
        return said.strip()


@contextlib.contextmanager
def proxied(kubectl: str, kubeconfig: str) -> Iterator[Api]:
    """The API server of a kubeconfig, while the proxy runs.

    Raises:
        ApiError: kubectl cannot be run, or does not take the kubeconfig.
    """
    with tempfile.TemporaryDirectory(prefix="kubectl-proxy-") as folder:
        path = Path(folder, "socket")
        said = Path(folder, "stderr")
        command = [kubectl, "proxy", f"--kubeconfig={kubeconfig}", f"--unix-socket={path}"]
        with said.open("wb") as errors, _started(command, errors.fileno()) as proxy:
            try:
                _await(proxy, path, said)
                yield Api(path)
            finally:
                proxy.terminate()


def _started(command: list[str], errors: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - no shell, and the program is the role's variable
            command, stdout=subprocess.DEVNULL, stderr=errors
        )
    except OSError as error:
        raise ApiError(f"kubectl cannot be run: {error}") from error


def _await(proxy: subprocess.Popen[bytes], path: Path, said: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while not path.exists():
        if proxy.poll() is not None or time.monotonic() > end:
            raise ApiError(f"kubectl proxy does not start: {said.read_text().strip()}")
        time.sleep(0.05)
