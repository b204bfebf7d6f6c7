"""etcd as kubeadm runs it: what its manifest says, and what it answers.

etcd answers JSON over https too (its gateway of gRPC), so that neither etcdctl nor the API server
is needed: https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import Trouble

MANIFEST = Path("/etc/kubernetes/manifests/etcd.yaml")
SILENCE = 30.0  # seconds without a byte after which etcd is given up
_ARGUMENT = re.compile(r"^\s+- ['\"]?--([a-z0-9-]+)=(.*?)['\"]?\s*$", re.MULTILINE)
_IMAGE = re.compile(r"^\s+image:\s*['\"]?([^\s'\"]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Etcd:
    """What a manifest says; the arguments are those of the program, without dashes."""

    image: str
    arguments: Mapping[str, str]

    @property
    def data(self) -> Path:
        """The data directory."""
        return Path(self.arguments["data-dir"])

    @property
    def name(self) -> str:
        """The member's name, which is the node's."""
        return self.arguments["name"]

    @property
    def cluster(self) -> str:
        """Which cluster it is of, by the authority that was made with the cluster.

        Raises:
            Trouble: that is not there.
        """
        authority = Path(self.arguments["trusted-ca-file"])
        try:
            return hashlib.sha256(authority.read_bytes()).hexdigest()[:12]
        except OSError as error:
            raise Trouble(f"{authority}, etcd's authority, cannot be read: {error}.") from error

    @property
    def members(self) -> list[str]:
        """The members that it began with, as NAME=URL."""
        return self.arguments["initial-cluster"].split(",")


def read_manifest(path: Path = MANIFEST) -> Etcd:
    """The etcd of this machine.

    Raises:
        Trouble: there is none that kubeadm made.
    """
    if not path.exists():
        raise Trouble(f"This machine runs no etcd of kubeadm's: {path} is not there.")
    text = path.read_text()
    image, arguments = _IMAGE.search(text), dict(_ARGUMENT.findall(text))
    wanted = ("data-dir", "initial-cluster", "listen-client-urls", "name", "trusted-ca-file")
    missing = [name for name in wanted if name not in arguments]
    if image is None or missing:
        raise Trouble(
            f"{path} is not as kubeadm writes it: it lacks {', '.join(missing) or 'an image'}."
        )
    return Etcd(image[1], arguments)


def snapshot(etcd: Etcd) -> Iterator[bytes]:
    """The parts of a snapshot: the database, and its checksum at the end.

    Raises:
        Trouble: etcd does not answer, or breaks off.
    """
    with _answer(etcd, "/v3/maintenance/snapshot") as answer:
        while line := answer.readline():
            told = json.loads(line)
            if "result" not in told:
                raise Trouble(f"etcd broke its snapshot off: {_message(told)}.")
            yield base64.b64decode(told["result"].get("blob", ""))


def status(etcd: Etcd) -> dict[str, Any]:
    """What etcd says of itself; numbers are strings, as JSON of gRPC has them.

    Raises:
        Trouble: it does not answer.
    """
    with _answer(etcd, "/v3/maintenance/status") as answer:
        return dict(json.loads(answer.read()))


@contextmanager
def _answer(etcd: Etcd, path: str) -> Iterator[HTTPResponse]:
    host, port = _address(etcd)
    try:
        connection = HTTPSConnection(host, port, context=_context(etcd), timeout=SILENCE)
        try:
            connection.request("POST", path, "{}")
            answer = connection.getresponse()
            if answer.status != 200:
                raise Trouble(f"etcd answers {answer.status} to {path}: {_said(answer)}.")
            yield answer
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise Trouble(
            f"etcd does not answer at https://{host}:{port}{path} ({error or type(error)}); see "
            "its log, /var/log/pods/kube-system_etcd-*."
        ) from error


def _address(etcd: Etcd) -> tuple[str, int]:
    urls = etcd.arguments["listen-client-urls"].split(",")
    local = [url for url in urls if "127.0.0.1" in url]
    found = urlsplit((local or urls)[0])
    return str(found.hostname), found.port or 2379


def _context(etcd: Etcd) -> ssl.SSLContext:
    authority = Path(etcd.arguments["trusted-ca-file"])
    client = authority.with_name("healthcheck-client.crt")
    context = ssl.create_default_context(cafile=str(authority))
    context.load_cert_chain(client, client.with_suffix(".key"))
    return context


def _said(answer: HTTPResponse) -> str:
    text = answer.read().decode(errors="replace").strip()
    try:
        return _message(json.loads(text))
    except (ValueError, AttributeError):
        return text[:200]


def _message(told: Mapping[str, Any]) -> str:
    error = told.get("error", told)
    return str(error.get("message", error) if isinstance(error, dict) else error)
