"""The testbed's own certificate authority, made anew for each control plane.

kube-apiserver can write a serving certificate for itself, but clients could then only trust it
blindly; and only an authority of our own gives tests a user with exactly the groups they want.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from testbed.ports import LOOPBACK

_LIFETIME = dt.timedelta(days=7)
_CLOCK_SKEW = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both files in PEM."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; its own is `pair.certificate`. All files lie in one private folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("testbed")
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        builder = self._builder(self._name, self._key.public_key())
        self.pair = self._write("ca", builder.add_extension(constraints, critical=True), self._key)

    def serving(self, file_name: str) -> Pair:
        """A certificate for a server on this machine: 127.0.0.1 and localhost."""
        usages = [ExtendedKeyUsageOID.SERVER_AUTH]
        return self._leaf(file_name, _name(file_name), usages, _on_this_machine())

    def peer(self, file_name: str) -> Pair:
        """A certificate for a server that is a client as well, such as etcd, of itself too."""
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        return self._leaf(file_name, _name(file_name), usages, _on_this_machine())

    def client(self, file_name: str, user: str, groups: Sequence[str] = ()) -> Pair:
        """A certificate as which the API server sees `user`, a member of `groups`.

        https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
        """
        return self._leaf(file_name, _name(user, groups), [ExtendedKeyUsageOID.CLIENT_AUTH], None)

    def signing_key(self, file_name: str) -> Path:
        """A private key by itself, for the tokens of service accounts."""
        return self._write_key(file_name, ec.generate_private_key(ec.SECP256R1()))

    def _leaf(
        self,
        file_name: str,
        subject: x509.Name,
        usages: Sequence[x509.ObjectIdentifier],
        names: x509.SubjectAlternativeName | None,
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(subject, key.public_key()).add_extension(
            x509.ExtendedKeyUsage(usages), critical=False
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return self._write(file_name, builder, key)

    def _builder(
        self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCK_SKEW)
            .not_valid_after(now + _LIFETIME)
        )

    def _write(
        self, file_name: str, builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey
    ) -> Pair:
        certificate = self._folder / f"{file_name}.crt"
        signed = builder.sign(self._key, hashes.SHA256())
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return Pair(certificate, self._write_key(file_name, key))

    def _write_key(self, file_name: str, key: ec.EllipticCurvePrivateKey) -> Path:
        path = self._folder / f"{file_name}.key"
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        return path


def _on_this_machine() -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(LOOPBACK))]
    )


def _name(common_name: str, organizations: Sequence[str] = ()) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
