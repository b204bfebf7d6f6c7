"""The leanest HTTP that still is what a client of the API server sends.

The floor is only a floor if its writer costs next to nothing: a request is one `send`, and an
answer is looked at no further than to find its end. Rejected: urllib3 and http.client for the
requests, which take longer to parse the answer's headers than the rest takes altogether.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]

_CHUNK = 65536
_SILENCE = 120.0  # seconds without a byte: the other side is gone
_END_OF_CHUNKS = b"\r\n0\r\n\r\n"  # not in a body: JSON writes line ends as \n


class Server:
    """An API server, and the administrator's certificate of a testbed's folder."""

    def __init__(self, url: str, certificates: Path) -> None:
        self.host, self.port = urlsplit(url).hostname or "", urlsplit(url).port or 443
        self._tls = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        self._tls.load_cert_chain(certificates / "admin.crt", certificates / "admin.key")

    def connect(self) -> ssl.SSLSocket:
        """A connection of its own."""
        plain = socket.create_connection((self.host, self.port), _SILENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._tls.wrap_socket(plain, server_hostname=self.host)

    def watch(self, path: str) -> Iterator[Json]:
        """The objects that there are, and then each as it changes; for ever.

        All are told again when the server ends a watch, as it does with one whose reader was
        kept from reading for some moments.
        """
        while True:
            yield from self._watch(path)

    def _watch(self, path: str) -> Iterator[Json]:
        connection = http.client.HTTPSConnection(
            self.host, self.port, timeout=_SILENCE, context=self._tls
        )
        connection.request("GET", f"{path}?watch=true")
        response, rest = connection.getresponse(), b""
        while chunk := response.read1(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (json.loads(line)["object"] for line in lines)
        connection.close()


class Poster:
    """One connection over which objects are made at one path, one after the other."""

    def __init__(self, server: Server, path: str) -> None:
        self._socket = server.connect()
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n"
            "Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: "
        )

    def post(self, obj: Json) -> None:
        """Makes an object; raises ValueError with the answer where that is not 201."""
        body = json.dumps(obj).encode()
        self._socket.sendall(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
        answer = self._answer()
        if not answer.startswith(b"HTTP/1.1 201 "):
            raise ValueError(answer.decode(errors="replace"))

    def _answer(self) -> bytes:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        while len(body) < int(length) if length else not body.endswith(_END_OF_CHUNKS):
            body += self._receive()
        return head + b"\r\n\r\n" + body

    def _receive(self) -> bytes:
        if not (received := self._socket.recv(_CHUNK)):
            raise ConnectionError("the API server closed the connection")
        return received
