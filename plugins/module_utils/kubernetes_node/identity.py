"""The name that a node's cluster knows it by, as its kubelet's certificate has it."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from .files import content

CERTIFICATE = "var/lib/kubelet/pki/kubelet-client-current.pem"
KUBECONFIG = "etc/kubernetes/kubelet.conf"

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
# kubeadm init begins with a certificate in the kubeconfig itself.
_EMBEDDED = re.compile(rb"^\s*client-certificate-data:\s*(\S+)\s*$", re.MULTILINE)
# A common name (2.5.4.3, X.520) as a UTF8String or PrintableString, and its length (X.690).
_NODE = re.compile(rb"\x06\x03\x55\x04\x03[\x0c\x13](.)system:node:", re.DOTALL)
_USER = "system:node:"


def node_name(root: Path) -> str:
    """The name of the node; empty if there is none, or no telling.

    Args:
        root: of the machine's files
    """
    embedded = _EMBEDDED.search(content(root / KUBECONFIG))
    texts = (content(root / CERTIFICATE), _decoded(embedded[1]) if embedded else b"")
    return next(filter(None, map(_name_in, texts)), "")


def _name_in(pem: bytes) -> str:
    block = _PEM.search(pem)
    certificate = _decoded(block[1]) if block else b""
    found = _NODE.search(certificate)
    if found is None:
        return ""
    start = found.end(1)
    user = certificate[start : start + found[1][0]].decode(errors="replace")
    return user.removeprefix(_USER)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
