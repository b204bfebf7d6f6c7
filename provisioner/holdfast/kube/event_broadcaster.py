"""Sends Kubernetes events; recording one never blocks the caller and never fails.

Events wait in a bounded queue for one thread that sends them. Those of a burst wait until the burst
is over, unless one of them is a warning. A repeated event raises the count of the existing one. An
object gets 25 events at once and then one in five minutes. Both are as in client-go's correlator;
otherwise a claim that cannot be served would fill etcd. Rejected: events.k8s.io/v1,
whose series need a second kind of update for the same effect.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from holdfast.kube.api import Api
from holdfast.kube.backoff import Backoff
from holdfast.kube.connection import Connection
from holdfast.kube.debounce import Debounce
from holdfast.kube.errors import (
    AlreadyExists,
    ApiError,
    KubeError,
    NotFound,
    ServerError,
    Throttled,
    TimedOut,
    requested_wait,
)
from holdfast.kube.log_once import LogOnce
from holdfast.kube.lru import LRU
from holdfast.kube.resources import EVENTS, Json
from holdfast.kube.token_buckets import TokenBuckets

Type = Literal["Normal", "Warning"]

# The API server's own limit for a note, in bytes.
LONGEST_MESSAGE = 1024
# An object name of 253 bytes must leave room for what makes an event's name its own.
LONGEST_NAME = 230
LONGEST_QUEUE = 10_000
# Seconds in which nothing happens that end a burst, and how long its events wait at most.
QUIET = 1.0
LONGEST_WAIT = 30.0
# Seconds for a request.
TIMEOUT = 5.0
# How many objects are remembered, to bound their events; those of the last two hours at most.
REMEMBERED_OBJECTS = 100_000
# How many events are remembered, to count them.
REMEMBERED_EVENTS = 10_000
BURST = 25
SECONDS_PER_EVENT = 300.0
# How often the server may fail on one event, while others are sent, until it is dropped.
MOST_FAILURES = 5


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """The object an event is about."""

    kind: str
    api_version: str
    namespace: str
    name: str
    uid: str
    resource_version: str = ""


@dataclass(frozen=True, slots=True)
class _Said:
    about: ObjectReference
    type: Type
    reason: str
    message: str
    at: str
    name: str
    tries: int = 0
    failures: int = 0  # those before which others were sent since the last one
    others: int = 0  # how many had been sent at the last failure

    @property
    def sameness(self) -> Hashable:
        """What makes two events one event that happened twice."""
        return _object(self.about), self.type, self.reason, self.message

    @property
    def namespace(self) -> str:
        """Where the event is kept; those about cluster-scoped objects are in "default"."""
        return self.about.namespace or "default"


class EventBroadcaster:
    """One thread that sends events; `event` may be called from any."""

    def __init__(self, api: Api, component: str) -> None:
        """`component` names the sender: "<provisioner>_<host>_<uuid>"."""
        self._api = api
        self._component = component
        self._server_log = LogOnce("sending events")
        self._backoff = Backoff(0.8, 30.0)
        self._connection = Connection()
        self._buckets: TokenBuckets[Hashable] = TokenBuckets(
            BURST, SECONDS_PER_EVENT, most=REMEMBERED_OBJECTS
        )
        self._sent: LRU[Hashable, tuple[str, int]] = LRU(REMEMBERED_EVENTS)
        self._changed = threading.Condition()
        self._queue: deque[_Said] = deque()
        self._debounce = Debounce(QUIET, LONGEST_WAIT)
        self._delivered = 0
        self._ending = threading.Event()
        self._end = math.inf
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def event(self, about: ObjectReference, type_: Type, reason: str, message: str) -> None:
        """Say something about an object; returns at once, whatever the server does."""
        name = f"{about.name[:LONGEST_NAME].rstrip('.-')}.{time.time_ns():x}"
        said = _Said(about, type_, reason, _cut(message), _now(), name)
        with self._changed:
            if self._ending.is_set() or not self._buckets.take(_object(about)):
                return
            self._queue.append(said)
            self._bound()
            self._time(said)

    def postpone(self) -> None:
        """Something that events are about has changed: those of a burst wait on."""
        with self._changed:
            self._debounce.postpone()

    def start(self) -> None:
        """Begin to send; the server need not be there yet."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Send what waits, as far as that goes within `timeout` seconds, and end."""
        with self._changed:
            self._end = time.monotonic() + timeout * 0.8
            self._ending.set()
            self._changed.notify()
        if self._thread.ident is None:
            return
        self._thread.join(timeout * 0.8)
        self._connection.abort()
        self._thread.join(timeout * 0.2)

    def _run(self) -> None:
        while (said := self._next()) is not None:
            pause = self._deliver(said)
            if pause and self._ending.is_set():
                return
            self._ending.wait(pause)

    def _next(self) -> _Said | None:
        with self._changed:
            while not self._ending.is_set() and (not self._queue or self._debounce.remaining()):
                self._changed.wait(self._debounce.remaining() if self._queue else None)
            if not self._queue or time.monotonic() >= self._end:
                return None
            return self._queue.popleft()

    def _time(self, said: _Said) -> None:
        """Decide when what waits is sent, and wake the sender where that is earlier than before."""
        first, urgent = len(self._queue) == 1, said.type == "Warning"
        if first:
            self._debounce.start()
        self._debounce.postpone()
        if urgent:
            self._debounce.fire()
        if first or urgent:
            self._changed.notify()

    def _bound(self) -> None:
        while len(self._queue) > LONGEST_QUEUE:
            self._queue.popleft()

    def _deliver(self, said: _Said) -> float:
        """Sends an event, unless it is refused for good; the seconds until the next."""
        try:
            with self._connection.used():
                self._send(said)
        except Throttled as error:
            self._server_log.unavailable(error)
            self._put_last(said)
            return max(self._backoff.next(), requested_wait(error))
        except (TimedOut, ServerError) as error:
            self._server_log.unavailable(error)
            return 0.0 if self._put_last(self._failed(said)) else self._backoff.next()
        except ApiError as error:
            # Its namespace is going away, or we may not write events: trying again is no use.
            self._server_log.unavailable(error)
        except KubeError as error:
            self._server_log.unavailable(error)
            self._put_first(said)
            return self._backoff.next()
        else:
            self._server_log.available()
            self._delivered += 1
        self._backoff.reset()
        return 0.0

    def _put_first(self, said: _Said) -> None:
        with self._changed:
            self._queue.appendleft(said)
            self._bound()

    def _failed(self, said: _Said) -> _Said:
        """The event with one failure more, if others were sent since its last one.

        What failed may be this event alone, as when an admission webhook for its namespace is down,
        or all, as when etcd is away: none is dropped then.
        """
        failures = said.failures + (self._delivered > said.others)
        return replace(said, failures=failures, others=self._delivered)

    def _put_last(self, said: _Said) -> bool:
        """Has an event tried again after the others; whether one of them is to be tried now."""
        tried = replace(said, tries=said.tries + 1)
        with self._changed:
            if tried.failures < MOST_FAILURES:
                self._queue.append(tried)
                self._bound()
            return bool(self._queue) and self._queue[0].tries < tried.tries

    def _send(self, said: _Said) -> None:
        timeout = max(0.1, min(TIMEOUT, self._end - time.monotonic()))
        name, count = self._sent.get(said.sameness) or ("", 0)
        try:
            if name:
                again = {"count": count + 1, "lastTimestamp": said.at}
                self._api.patch(EVENTS, name, again, said.namespace, timeout=timeout)
        except NotFound:  # the server keeps events for an hour
            name = ""
        if not name:
            name, count = said.name, 0
            self._create(said, timeout)
        self._sent.set(said.sameness, (name, count + 1))

    def _create(self, said: _Said, timeout: float) -> None:
        # AlreadyExists: sent before, and only the answer was lost.
        with contextlib.suppress(AlreadyExists):
            self._api.create(EVENTS, self._body(said), said.namespace, timeout=timeout)

    def _body(self, said: _Said) -> Json:
        about = said.about
        involved = {
            "apiVersion": about.api_version,
            "kind": about.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
            "resourceVersion": about.resource_version,
        }
        return {
            "apiVersion": EVENTS.api,
            "kind": EVENTS.kind,
            "metadata": {"name": said.name, "namespace": said.namespace},
            "involvedObject": {field: value for field, value in involved.items() if value},
            "type": said.type,
            "reason": said.reason,
            "message": said.message,
            "source": {"component": self._component},
            "firstTimestamp": said.at,
            "lastTimestamp": said.at,
            "count": 1,
        }


def _object(about: ObjectReference) -> Hashable:
    return about.kind, about.namespace, about.name, about.uid


def _cut(message: str) -> str:
    """The message as the server takes it: of at most so many bytes, and no half characters.

    The name of a file that is not UTF-8 has these.
    """
    data = message.encode(errors="backslashreplace")
    if len(data) <= LONGEST_MESSAGE:
        return data.decode()
    return data[: LONGEST_MESSAGE - 3].decode(errors="ignore") + "…"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
