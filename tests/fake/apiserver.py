"""An API server on loopback for faults that a real one does not show on demand.

It serves objects, lists and live watches, and can be told to misbehave: refuse the next
requests, let somebody else be faster, answer nothing (frozen), answer watches from a script, be
gone, expire its history.
Everything that was asked is kept in `requests`.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from tests.fake.objects import Json, Objects, Refused, within

Verb = Literal["get", "list", "watch", "create", "replace", "patch", "delete"]

COLLECTIONS = {"persistentvolumes", "persistentvolumeclaims", "storageclasses", "events", "leases"}

# Steps of a scripted watch, besides events: hold the line, cut it, end it, send these bytes,
# say nothing for so many seconds.
Step = Json | Literal["hold", "cut", "end"] | bytes | float


@dataclass(frozen=True)
class Request:
    """What was asked, and when by the monotonic clock."""

    verb: Verb
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json
    at: float


@dataclass(frozen=True)
class Fault:
    """An answer instead of the true one."""

    code: int
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


NO_ANSWER = Fault(200, raw=b"")  # as of a server that is away: nothing that can be used


class FakeApiServer:
    """Start it by entering it; `stop` and `start` make it vanish and come back on its port."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.objects = Objects()
        self.connections: list[socket.socket] = []
        self.requests: list[Request] = []
        self.faults: dict[Verb, deque[Fault]] = {}
        self.lasting: dict[Verb, Fault] = {}
        self.between: dict[Verb, deque[Callable[[Request], object]]] = {}
        self.scripts: deque[list[Step]] = deque()
        self.expire_continue: Fault | None = None
        self.denied: set[tuple[str, str]] = set()  # what reviews of access say no to: kind, verb
        self.thawed = threading.Event()
        self.thawed.set()
        self.delivering = threading.Event()
        self.delivering.set()
        self.stopping = threading.Event()
        self._tls = tls
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port: int = probe.getsockname()[1]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it is, or will be."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Serve."""
        self.stopping.clear()
        self._server = _Server(("127.0.0.1", self._port), _handler_of(self))
        self._server.daemon_threads = False
        if self._tls:
            self._server.socket = self._tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """Cut every connection and serve no more."""
        if self._server is None or self._thread is None:
            return
        self.stopping.set()
        self.thawed.set()
        self.delivering.set()
        self._server.shutdown()
        self._thread.join()
        with self.objects.changed:
            self.objects.changed.notify_all()
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self._server.server_close()
        self._server = None

    def freeze(self) -> None:
        """Answer nothing more, on old connections or new ones, until `thawed` is set."""
        self.thawed.clear()

    def fail(self, verb: Verb, fault: Fault, times: int = 1) -> None:
        """Answer the next requests of a kind so."""
        self.faults.setdefault(verb, deque()).extend([fault] * times)

    def meanwhile(self, verb: Verb, act: Callable[[Request], object]) -> None:
        """Do this before the next request of a kind is looked at: somebody else was faster."""
        self.between.setdefault(verb, deque()).append(act)

    def script(self, *steps: Step) -> None:
        """Answer the next watch so; watches without a script are live."""
        self.scripts.append(list(steps))

    def count(self, verb: Verb) -> int:
        """How many requests of a kind came."""
        return sum(request.verb == verb for request in list(self.requests))

    def interpose(self, request: Request) -> None:
        """Does what is to come before a request."""
        if waiting := self.between.get(request.verb):
            waiting.popleft()(request)

    def fault_for(self, verb: Verb) -> Fault | None:
        """The fault a request is to meet."""
        waiting = self.faults.get(verb)
        return waiting.popleft() if waiting else self.lasting.get(verb)

    def wait_while_frozen(self) -> None:
        """Hold a handler as long as the server is frozen."""
        self.thawed.wait()
        if self.stopping.is_set():
            raise ConnectionAbortedError


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections are cut here on purpose."""


def _handler_of(fake: FakeApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        server_of = fake

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_of: FakeApiServer

    def handle(self) -> None:
        self.server_of.connections.append(self.connection)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        objects = self.server_of.objects
        path, query = self._target()
        if query.get("watch") == "true":
            self._answer("watch", lambda: self._watch(path, int(query["resourceVersion"])))
        elif path.rpartition("/")[2] in COLLECTIONS:
            limit, token = int(query.get("limit", 500)), query.get("continue", "")
            self._answer("list", lambda: self._page(path, limit, token))
        else:
            self._answer("get", lambda: self._send(200, objects.get(path)))

    def do_POST(self) -> None:
        path, _ = self._target()
        if path.endswith("/selfsubjectaccessreviews"):
            self._change("create", self._reviewed, code=201)
            return
        self._change("create", lambda body: self.server_of.objects.create(path, body), code=201)

    def _reviewed(self, body: Json) -> Json:
        """The answer to a question about a permission; nothing is enforced here."""
        asked = body["spec"]["resourceAttributes"]
        allowed = (asked["resource"], asked["verb"]) not in self.server_of.denied
        return {**body, "status": {"allowed": allowed}}

    def do_PUT(self) -> None:
        path, _ = self._target()
        self._change("replace", lambda body: self.server_of.objects.replace(path, body))

    def do_PATCH(self) -> None:
        path, _ = self._target()
        self._change("patch", lambda body: self.server_of.objects.patch(path, body))

    def do_DELETE(self) -> None:
        path, _ = self._target()
        self._change(
            "delete", lambda body: self.server_of.objects.delete(path, _preconditions(body))
        )

    def _change(self, verb: Verb, change: Callable[[Json], Json], code: int = 200) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body: Json = json.loads(self.rfile.read(length)) if length else {}
        self._answer(verb, lambda: self._send(code, change(body)), body)

    def _target(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _answer(self, verb: Verb, act: Callable[[], None], body: Json | None = None) -> None:
        path, query = self._target()
        request = Request(verb, path, query, dict(self.headers), body or {}, time.monotonic())
        self.server_of.requests.append(request)
        self.server_of.wait_while_frozen()
        self.server_of.interpose(request)
        fault = self.server_of.fault_for(verb)
        if fault is not None:
            self._misbehave(fault)
            return
        try:
            act()
        except Refused as no:
            self._send(no.code, _status(no.code, no.reason, no.message))

    def _misbehave(self, fault: Fault) -> None:
        status = _status(fault.code, fault.reason, f"fault {fault.code}")
        raw = json.dumps(status).encode() if fault.raw is None else fault.raw
        self._send_bytes(fault.code, raw, fault.headers)

    def end_headers(self) -> None:
        if self.close_connection:  # as asked; RFC 9112 wants it said
            self.send_header("Connection", "close")
        super().end_headers()

    def _send(self, code: int, body: Json) -> None:
        self._send_bytes(code, json.dumps(body).encode(), {})

    def _send_bytes(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _page(self, path: str, limit: int, token: str) -> None:
        fault = self.server_of.expire_continue
        if token and fault:
            self.server_of.expire_continue = None
            self._misbehave(fault)
        else:
            self._send(200, self.server_of.objects.page(path, limit, token))

    def _watch(self, path: str, version: int) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.server_of.scripts:
            self._play(self.server_of.scripts.popleft())
        else:
            self._live(path, version)
        self._chunk(b"")

    def _play(self, steps: list[Step]) -> None:
        for step in steps:
            self.server_of.wait_while_frozen()
            match step:
                case "hold":
                    self.server_of.stopping.wait()
                    raise ConnectionAbortedError
                case "cut":
                    raise ConnectionAbortedError
                case "end":
                    return
                case float():
                    self.server_of.stopping.wait(step)
                case bytes():
                    self._chunk(step)
                case _:
                    self._chunk(json.dumps(step).encode() + b"\n")

    def _live(self, path: str, version: int) -> None:
        objects = self.server_of.objects
        while True:
            with objects.changed:
                new = [past for past in objects.history if past[0] > version]
                if not new:
                    objects.changed.wait()
            if self.server_of.stopping.is_set():
                raise ConnectionAbortedError
            self.server_of.delivering.wait()
            for number, where, kind, obj in new:
                self.server_of.wait_while_frozen()
                version = number
                if within(where, path):
                    self._chunk(json.dumps({"type": kind, "object": obj}).encode() + b"\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


def _status(code: int, reason: str, message: str) -> Json:
    return {"kind": "Status", "code": code, "reason": reason, "message": message}


def _preconditions(options: Json) -> Json:
    given: Json = options.get("preconditions", {})
    return given
