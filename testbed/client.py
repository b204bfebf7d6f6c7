"""A few HTTP requests to the API server, as the testbed's own administrator.

Not `holdfast.kube`: what is being tested must not be the judge of itself. And no `kubernetes`
package: its models would cost each test run a second and 80 MB.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
from urllib3.response import BaseHTTPResponse

from testbed.certificates import Pair
from testbed.errors import RequestError

Json = dict[str, Any]
MERGE_PATCH = "application/merge-patch+json"
_TIMEOUT = urllib3.Timeout(connect=3.0, read=30.0)


class Client:
    """Requests with a client certificate; connections are kept. Safe to use from many threads.

    Attributes:
        url: of the server, without a path.
    """

    def __init__(self, url: str, authority: Path, identity: Pair) -> None:
        self.url = url
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(identity.certificate, identity.key)
        self._pool = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=_TIMEOUT, ssl_context=context
        )

    def get(self, path: str) -> Json:
        """One object, or a list.

        Raises:
            RequestError: the server answered with an error.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        return self.send("GET", path)

    def send(
        self, method: str, path: str, body: Json | None = None, kind: str = "application/json"
    ) -> Json:
        """Send a body of the media type `kind`, and return what the server answers.

        Raises:
            RequestError: the server answered with an error.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        response = self._pool.request(
            method,
            self.url + path,
            body=None if body is None else json.dumps(body),
            headers={"Content-Type": kind, "Accept": "application/json"},
        )
        _raise_for(response, f"{method} {path}")
        answer: Json = response.json()
        return answer

    def status(self, url: str) -> int:
        """The HTTP status that a GET has now: of any server with a certificate of ours.

        Raises:
            OSError: no answer within two seconds.
        """
        timeout = urllib3.Timeout(connect=1.0, read=2.0)
        try:
            return self._pool.request("GET", url, timeout=timeout).status
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error

    @contextmanager
    def stream(self, path: str, silence: float) -> Iterator[BaseHTTPResponse]:
        """A response that is read line by line (a watch); closed at the end of the block.

        Reading it raises urllib3's ReadTimeoutError when nothing came for `silence` seconds.
        """
        timeout = urllib3.Timeout(connect=1.0, read=silence)
        url = self.url + path
        response = self._pool.request("GET", url, preload_content=False, timeout=timeout)
        try:
            _raise_for(response, f"GET {path}")
            yield response
        finally:
            response.close()

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.clear()


def _raise_for(response: BaseHTTPResponse, what: str) -> None:
    if response.status >= 400:
        text = response.data.decode(errors="replace")
        raise RequestError(response.status, f"{what}: HTTP {response.status}: {text}")
