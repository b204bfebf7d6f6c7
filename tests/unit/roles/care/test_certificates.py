"""Each certificate of a node is read, and the end of each is told before it comes."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.care import certificates
from ansible_collections.holdfast.nfs.plugins.module_utils.care.errors import Trouble
from ansible_collections.holdfast.nfs.plugins.modules import certificate_ends

from tests.unit.roles.care.given import NOW, certificate, kubeconfig, write
from tests.unit.roles.running import refusal, run

PKI = "etc/kubernetes/pki"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A control plane, whose certificates end at different times."""
    write(tmp_path / PKI / "ca.crt", certificate(3650))
    write(tmp_path / PKI / "apiserver.crt", certificate(20))
    write(tmp_path / PKI / "etcd/server.crt", certificate(200))
    write(tmp_path / "etc/kubernetes/admin.conf", kubeconfig(-3))
    write(tmp_path / "etc/kubernetes/kubelet.conf", "client-certificate: /var/lib/x.pem\n")
    write(tmp_path / certificates.KUBELET, f"a key\n{certificate(50)}")
    return tmp_path


def days(found: list[certificates.Certificate]) -> dict[str, int]:
    return {one.path: round((one.end - NOW) / timedelta(days=1)) for one in found}


def test_every_certificate_of_a_node_is_found_with_its_end(node: Path) -> None:
    assert days(certificates.found(node)) == {
        f"/{PKI}/apiserver.crt": 20,
        f"/{PKI}/ca.crt": 3650,
        f"/{PKI}/etcd/server.crt": 200,
        f"/{certificates.KUBELET}": 50,
        "/etc/kubernetes/admin.conf": -3,
    }


def test_a_machine_that_is_no_node_has_none(tmp_path: Path) -> None:
    assert certificates.found(tmp_path) == []


def test_those_that_end_soon_come_first(node: Path) -> None:
    soon = certificates.ending(certificates.found(node), 60, NOW)

    assert [*days(soon).values()] == [-3, 20, 50]


@pytest.mark.parametrize("year", [2049, 2050, 2126])
def test_a_year_is_read_in_both_forms_that_it_is_written_in(year: int) -> None:
    end = NOW.replace(year=year)

    assert certificates.end_of(certificate((end - NOW).days).encode()).year == year


def test_a_sentence_says_which_ends_when_and_what_to_do(node: Path) -> None:
    ended, soon, kubelets = certificates.ending(certificates.found(node), 60, NOW)

    assert certificates.sentence(ended, "control", NOW).startswith(
        "The certificate /etc/kubernetes/admin.conf of control has ended, on 2026-11-25; renew it"
    )
    assert "ends in 20 days, on 2026-12-18" in certificates.sentence(soon, "control", NOW)
    assert "the kubelet renews it itself" in certificates.sentence(kubelets, "control", NOW)


def test_an_authority_is_not_said_to_be_renewed() -> None:
    one = certificates.Certificate(f"/{PKI}/front-proxy-ca.crt", NOW)

    assert "kubeadm does not renew an authority" in certificates.sentence(one, "control", NOW)


@pytest.mark.parametrize(
    "text",
    ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"],
    ids=["empty", "something else", "cut off"],
)
def test_a_file_that_has_none_is_named(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / PKI / "apiserver.crt", text)

    with pytest.raises(Trouble, match=f"{path} cannot be read as a certificate"):
        certificates.found(tmp_path)


def test_a_certificate_in_der_is_read_as_well(tmp_path: Path) -> None:
    """kubeadm writes PEM; somebody may have put another beside."""
    der = ssl.PEM_cert_to_DER_cert(certificate(20))
    write(tmp_path / PKI / "oidc.crt", "").write_bytes(der)

    assert days(certificates.found(tmp_path)) == {f"/{PKI}/oidc.crt": 20}


@pytest.mark.parametrize("data", [b"\x30\x82\xff\xfe\x80", b"\xff\xfe\x80", b"0", b"\x30\xff"])
def test_bytes_that_are_none_are_told_with_their_file(tmp_path: Path, data: bytes) -> None:
    """Seen: a UnicodeDecodeError, with which the timer ended each night."""
    write(tmp_path / PKI / "oidc.crt", "").write_bytes(data)

    with pytest.raises(Trouble, match=r"oidc.crt cannot be read as a certificate"):
        certificates.found(tmp_path)


def test_a_kubeconfig_with_other_bytes_in_it_is_read(tmp_path: Path) -> None:
    text = kubeconfig(20).encode() + b"# \xff\n"
    write(tmp_path / "etc/kubernetes/admin.conf", "").write_bytes(text)

    assert days(certificates.found(tmp_path)) == {"/etc/kubernetes/admin.conf": 20}


def test_a_folder_that_is_called_like_a_certificate_is_none(tmp_path: Path) -> None:
    (tmp_path / PKI / "old.crt").mkdir(parents=True)

    assert certificates.found(tmp_path) == []


def test_one_that_kubeadm_did_not_make_is_not_said_to_be_renewed_by_it(tmp_path: Path) -> None:
    write(tmp_path / PKI / "users/alice.crt", certificate(20))
    (found,) = certificates.found(tmp_path)

    assert "kubeadm does not renew it" in certificates.sentence(found, "control", NOW)


def ends(node: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> dict[str, Any]:
    monkeypatch.setattr(certificate_ends, "ROOT", node)
    return run(certificate_ends.main, machine="control", **given)


def test_the_module_fails_with_a_sentence_for_each(
    node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate_ends, "ROOT", node)

    said = refusal(certificate_ends.main, machine="control", days=30)

    assert "admin.conf of control" in said
    assert "apiserver.crt of control" in said
    assert "etcd/server.crt" not in said


def test_the_module_tells_when_each_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / PKI / "apiserver.crt", certificate(20_000))

    result = ends(tmp_path, monkeypatch, check=True)

    assert result["changed"] is False
    assert result["ends"] == {f"/{PKI}/apiserver.crt": "2081-08-31"}
