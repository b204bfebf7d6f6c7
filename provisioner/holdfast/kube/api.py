"""Requests to the API server as raw JSON, every one with a deadline, errors as `errors` has them.

The `kubernetes` package gives configuration, credentials (a token is read again when it is about to
expire) and the pool of connections; the requests are urllib3's. Rejected: the package's typed
models, which cost 80 MiB and erase fields that they do not know; its retries, which sleep without a
deadline; its dynamic client, whose layers take a quarter of a request's processor time. Nothing is
retried here; the layers above know how long they may wait.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException
from urllib3 import HTTPResponse, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from holdfast import __version__
from holdfast.kube import json_decoder
from holdfast.kube.connection import POOLS, body_of, why
from holdfast.kube.errors import ApiError, KubeError, ServerUnavailable, TimedOut, refusal
from holdfast.kube.resources import Json, Resource
from holdfast.kube.watch import Watch

_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": f"holdfast/{__version__}",
}
_REFUSED = 300  # the lowest status that is no success

Observer = Callable[[str, Resource, str, float], None]


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; `version` is the whole list's, to start a watch from."""

    items: list[Json]
    version: str


class Api:
    """One API server; safe for several threads.

    Every method raises `ServerUnavailable`, or `TimedOut` of a write, when no usable answer comes
    in time, and an `ApiError` when the server refuses. `timeout` (seconds, for the whole request)
    replaces the usual deadlines.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        connect_timeout: float = 3.0,
        read_timeout: float = 15.0,
        observe: Observer | None = None,
    ) -> None:
        """`observe` is told verb, resource, HTTP code (200 for any success, 0 for none), seconds.

        For a watch, the seconds are those until the server accepted it.
        """
        configuration.retries = False
        configuration.keep_alive = True
        configuration.connection_pool_maxsize = 16
        self._client = ApiClient(configuration)
        self._pools = self._client.rest_client.pool_manager
        self._pools.pool_classes_by_scheme = POOLS
        self._server: str = configuration.host
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._observe: Observer = observe or (lambda *_: None)

    def get(
        self, resource: Resource, name: str, namespace: str = "", *, timeout: float | None = None
    ) -> Json:
        """The object as it is now."""
        return self._call("get", resource, "GET", resource.path(namespace, name), timeout=timeout)

    def pages(self, resource: Resource, *, limit: int = 500, namespace: str = "") -> Iterator[Page]:
        """All objects of a kind in one namespace or all, `limit` at a time, as of one version.

        Raises:
            Expired: Reading took so long that the rest is no longer to be had; start again.
        """
        token: str | None = None
        while token != "":
            query = {"limit": limit} | ({"continue": token} if token else {})
            page = self._call("list", resource, "GET", resource.path(namespace), query=query)
            metadata = page.get("metadata", {})
            token = metadata.get("continue", "")
            yield Page(page.get("items") or [], str(metadata.get("resourceVersion", "")))

    def watch(self, resource: Resource, version: str, *, seconds: int, silence: float) -> Watch:
        """What happens after `version`; the server ends the watch after `seconds`.

        Entering the watch raises `Expired` when the version is too old.
        """

        def request() -> HTTPResponse:
            with self._observed("watch", resource):
                return self._send(
                    "GET",
                    resource.path(),
                    (self._connect_timeout, min(self._read_timeout, silence)),
                    query={
                        "watch": "true",
                        "allowWatchBookmarks": "true",
                        "resourceVersion": version,
                        "timeoutSeconds": seconds,
                    },
                    headers={"Connection": "close"},
                )

        return Watch(request, silence)

    def create(
        self, resource: Resource, body: Json, namespace: str = "", *, timeout: float | None = None
    ) -> Json:
        """Make an object; `AlreadyExists` when its name is taken."""
        path = resource.path(namespace)
        return self._call("create", resource, "POST", path, body, timeout=timeout)

    def replace(
        self,
        resource: Resource,
        name: str,
        body: Json,
        namespace: str = "",
        *,
        timeout: float | None = None,
    ) -> Json:
        """Write a whole object; `Conflict` when it is no longer at the body's resourceVersion."""
        path = resource.path(namespace, name)
        return self._call("replace", resource, "PUT", path, body, timeout=timeout)

    def patch(
        self,
        resource: Resource,
        name: str,
        body: Json,
        namespace: str = "",
        *,
        timeout: float | None = None,
    ) -> Json:
        """Change the fields that `body` names, None removes one (RFC 7396 merge patch)."""
        return self._call(
            "patch",
            resource,
            "PATCH",
            resource.path(namespace, name),
            body,
            timeout=timeout,
            headers={"Content-Type": "application/merge-patch+json"},
        )

    def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        version: str = "",
        timeout: float | None = None,
    ) -> Json:
        """Remove an object.

        With `uid`, `Conflict` when the name is another object's by now; with `version`, when it
        is no longer at that resourceVersion.
        """
        given = {"uid": uid, "resourceVersion": version}
        preconditions = {name: value for name, value in given.items() if value}
        options = {"preconditions": preconditions} if preconditions else None
        path = resource.path(namespace, name)
        return self._call("delete", resource, "DELETE", path, options, timeout=timeout)

    def close(self) -> None:
        """Close the idle connections."""
        self._pools.clear()

    def _call(
        self,
        verb: str,
        resource: Resource,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        timeout: float | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        limits = timeout or (self._connect_timeout, self._read_timeout)
        deadline = time.monotonic() + (timeout or self._connect_timeout + self._read_timeout)
        with self._observed(verb, resource):
            response = self._send(method, path, limits, body, query=query, headers=headers)
            return self._decoded(body_of(response, deadline))

    def _send(
        self,
        method: str,
        path: str,
        limits: float | tuple[float, float],
        body: Json | None = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HTTPResponse:
        """Send a request; the answer's body is still to be read."""
        url = f"{self._server}{path}?{urlencode(query)}" if query else f"{self._server}{path}"
        try:
            answer = self._pools.urlopen(
                method,
                url,
                body=None if body is None else json.dumps(body),
                headers=self._headers() | dict(headers or {}),
                timeout=_timeout(limits),
                preload_content=False,
            )
            response = cast("HTTPResponse", answer)
            if response.status >= _REFUSED:
                raise self._refused(response)
        except ReadTimeoutError as error:
            raise self._late(method, error) from error
        except (HTTPError, OSError, ConfigException, ValueError) as error:
            # Besides the transport's errors, those of the token's file, which is read again.
            raise self._unavailable(why(error)) from error
        return response

    def _headers(self) -> dict[str, str]:
        headers = dict(_HEADERS)
        # The arguments after the headers are for other kinds of credentials.
        self._client.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
        return headers

    def _late(self, method: str, error: ReadTimeoutError) -> ServerUnavailable | TimedOut:
        """Only a write waits for admission webhooks, one of which may hang."""
        unavailable = self._unavailable(why(error))
        return unavailable if method == "GET" else TimedOut(unavailable.message)

    def _refused(self, response: HTTPResponse) -> ApiError:
        try:
            status = json_decoder.loads(response.read())
            message, reason = str(status["message"]), str(status.get("reason", ""))
        except (ValueError, KeyError, TypeError):
            message, reason = f"{self._server} answered {response.status} {response.reason}.", ""
        finally:
            response.release_conn()
        wait = _seconds(response.headers.get("Retry-After"))
        return refusal(response.status, reason, message, wait)

    def _unavailable(self, reason: str) -> ServerUnavailable:
        return ServerUnavailable(f"No answer from the API server {self._server}: {reason}.")

    def _decoded(self, body: bytes) -> Json:
        try:
            answer = json_decoder.loads(body)
        except ValueError as error:
            raise self._unavailable("the response is not JSON") from error
        if not isinstance(answer, dict):
            raise self._unavailable("the response is not a JSON object")
        return answer

    @contextmanager
    def _observed(self, verb: str, resource: Resource) -> Iterator[None]:
        started, code = time.monotonic(), 200
        try:
            yield
        except KubeError as error:
            code = error.status if isinstance(error, ApiError) else 0
            raise
        finally:
            self._observe(verb, resource, str(code), time.monotonic() - started)


def _timeout(limits: float | tuple[float, float]) -> Timeout:
    """For all of a request, or for connecting and for each read."""
    if isinstance(limits, tuple):
        return Timeout(connect=limits[0], read=limits[1])
    return Timeout(total=limits)


def _seconds(text: str | None) -> float | None:
    """The seconds of a Retry-After header (RFC 9110); the date form is not used here."""
    return float(text) if text and text.isdecimal() else None
