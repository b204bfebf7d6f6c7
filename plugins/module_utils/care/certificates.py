"""When certificates end, read from their files: no program, no API server, no cluster is asked."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .errors import Trouble

PKI = "etc/kubernetes/pki"
# Each has a client's certificate in it; kubelet.conf names the kubelet's own file in its place.
KUBECONFIGS = ("admin", "super-admin", "controller-manager", "scheduler", "kubelet")
KUBELET = "var/lib/kubelet/pki/kubelet-client-current.pem"
# What `kubeadm certs renew all` renews; others may have put theirs beside.
RENEWED = (
    "admin.conf",
    "controller-manager.conf",
    "pki/apiserver-etcd-client.crt",
    "pki/apiserver-kubelet-client.crt",
    "pki/apiserver.crt",
    "pki/etcd/healthcheck-client.crt",
    "pki/etcd/peer.crt",
    "pki/etcd/server.crt",
    "pki/front-proxy-client.crt",
    "scheduler.conf",
    "super-admin.conf",
)
_KUBERNETES = "etc/kubernetes"

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_EMBEDDED = re.compile(rb"^\s*client-certificate-data:\s*(\S+)\s*$", re.MULTILINE)
_SEQUENCE = b"\x30"  # with which a certificate begins that is not in PEM
# ASN.1 (X.690); a version is there or not, and a time is in one of two forms (RFC 5280, 4.1).
_VERSION, _UTC_TIME, _HIGH, _LONG = 0xA0, 0x17, 0x80, 0x7F


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that is on this machine."""

    path: str
    end: datetime

    @property
    def is_authority(self) -> bool:
        """Whether others are signed with it; kubeadm makes it for ten years and renews it never."""
        return self.path.endswith(("/ca.crt", "-ca.crt"))

    @property
    def is_renewed(self) -> bool:
        """Whether kubeadm renews it."""
        return self.path.removeprefix(f"/{_KUBERNETES}/") in RENEWED


def found(root: Path) -> list[Certificate]:
    """Those of a node's kubelet and of its control plane, as far as they are there.

    Raises:
        Trouble: a file cannot be read as what it is named for.
    """
    files = [*sorted((root / PKI).rglob("*.crt")), root / KUBELET]
    kubeconfigs = [root / f"{_KUBERNETES}/{name}.conf" for name in KUBECONFIGS]
    return [*_plain(root, files), *_embedded(root, kubeconfigs)]


def renewed(root: Path) -> list[Certificate]:
    """Those of the control plane that kubeadm renews; others' files are not looked at.

    Raises:
        Trouble: a file cannot be read as what it is named for.
    """
    files = [root / _KUBERNETES / name for name in RENEWED]
    plain = [path for path in files if path.suffix == ".crt"]
    return [*_plain(root, plain), *_embedded(root, [path for path in files if path not in plain])]


def ending(certificates: Sequence[Certificate], days: float, now: datetime) -> list[Certificate]:
    """Those that have fewer days left, the first to end first."""
    until = now + timedelta(days=days)
    return sorted((one for one in certificates if one.end < until), key=lambda one: one.end)


def sentence(certificate: Certificate, machine: str, now: datetime) -> str:
    """When one ends, for a person, and what to do."""
    days = (certificate.end - now).days
    when = f"ends in {days} days" if certificate.end > now else "has ended"
    return (
        f"The certificate {certificate.path} of {machine} {when}, on {certificate.end:%Y-%m-%d}; "
        f"{_remedy(certificate)}."
    )


def end_of(data: bytes) -> datetime:
    """The end of the first certificate in a file, in PEM or in DER.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    block = _PEM.search(data)
    if block is None and not data.startswith(_SEQUENCE):
        raise ValueError("it has no certificate in it")
    try:
        return _not_after(base64.b64decode(block[1]) if block else data)
    except IndexError:
        raise ValueError("it is damaged") from None


def _remedy(certificate: Certificate) -> str:
    if certificate.is_authority:
        return "kubeadm does not renew an authority: make a new one by kubeadm's documents"
    if certificate.path.endswith(Path(KUBELET).name):
        return "the kubelet renews it itself, so see journalctl --unit kubelet"
    if not certificate.is_renewed:
        return "kubeadm does not renew it: renew it as it was made, or remove it"
    return (
        "renew it with systemctl start holdfast-certificates on that machine, or see there what "
        "journalctl --unit holdfast-certificates says"
    )


def _plain(root: Path, paths: Sequence[Path]) -> Iterator[Certificate]:
    for path in paths:
        if path.is_file():
            yield _read(root, path, path.read_bytes())


def _embedded(root: Path, paths: Sequence[Path]) -> Iterator[Certificate]:
    for path in paths:
        data = _EMBEDDED.search(path.read_bytes()) if path.is_file() else None
        if data is not None:
            yield _read(root, path, _decoded(path, data[1]))


def _decoded(path: Path, data: bytes) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError as error:
        raise Trouble(f"{path}: its client-certificate-data cannot be read: {error}.") from None


def _read(root: Path, path: Path, data: bytes) -> Certificate:
    try:
        return Certificate(f"/{path.relative_to(root)}", end_of(data))
    except ValueError as error:
        raise Trouble(f"{path} cannot be read as a certificate: {error}.") from None


def _not_after(der: bytes) -> datetime:
    __, start, __ = _element(der, 0)  # Certificate
    __, start, __ = _element(der, start)  # TBSCertificate
    kind, __, end = _element(der, start)
    start = end if kind == _VERSION else start
    for _field in ("serial number", "signature", "issuer"):
        __, __, start = _element(der, start)
    __, start, __ = _element(der, start)  # Validity
    __, __, start = _element(der, start)  # notBefore
    kind, start, end = _element(der, start)
    return _time(kind, der[start:end].decode("ascii"))


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """The kind of the element there, and where its content begins and ends."""
    length, start = der[at + 1], at + 2
    if length & _HIGH:  # so many bytes hold the length
        size = length & _LONG
        length, start = int.from_bytes(der[start : start + size]), start + size
    return der[at], start, start + length


def _time(kind: int, text: str) -> datetime:
    if kind == _UTC_TIME:  # of two digits for a year; below 50 is of this century
        text = f"{19 if text >= '50' else 20}{text}"
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
