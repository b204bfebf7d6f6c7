"""The kubelet, its programs and the kernel under it, on every node."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from tests.testinfra.looking import answered, listeners, published_checksum, settings

testinfra_hosts = ["ansible://kubernetes?sudo=true"]

PROGRAMS = ("kubeadm", "kubelet", "kubectl")


def test_every_package_that_the_programs_call_is_installed(host: Host) -> None:
    names = settings(host, "kubernetes_node")["kubernetes_node_packages"]

    assert [name for name in names if not host.package(name).is_installed] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_in_use_is_of_the_chosen_version(host: Host, program: str) -> None:
    chosen = settings(host, "kubernetes_node")
    folder = f"{chosen['kubernetes_node_directory']}/{chosen['kubernetes_node_version']}"

    assert host.file(f"/usr/local/bin/{program}").linked_to == f"{folder}/{program}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_is_as_it_was_published(host: Host, program: str) -> None:
    """By the release server or the inventory: what lies beside it may have come with it."""
    file = host.file(host.file(f"/usr/local/bin/{program}").linked_to)

    assert file.sha256sum == published_checksum(host, settings(host, "kubernetes_node"), program)
    assert (file.user, file.mode) == ("root", 0o755)


def test_the_kubelet_says_the_chosen_version_itself(host: Host) -> None:
    version = settings(host, "kubernetes_node")["kubernetes_node_version"]

    assert host.check_output("kubelet --version") == f"Kubernetes {version}"


def test_the_kubelet_runs_now_and_after_a_restart(host: Host) -> None:
    kubelet = host.service("kubelet")

    assert kubelet.is_running
    assert kubelet.is_enabled


def test_the_kubelet_answers_that_it_is_well(host: Host) -> None:
    assert answered(host, "http://127.0.0.1:10248/healthz") == "ok"


def test_the_kubelet_does_not_answer_strangers(host: Host) -> None:
    """Its read-only port, 10255, shows every pod to whoever asks."""
    ports = {port for _, port in listeners(host, "tcp")}

    assert 10250 in ports
    assert 10255 not in ports


def test_the_kubelets_credentials_are_roots(host: Host) -> None:
    file = host.file("/etc/kubernetes/kubelet.conf")

    assert (file.user, file.mode) == ("root", 0o600)


def test_packets_are_passed_on_and_bridged_ones_seen(host: Host) -> None:
    assert host.sysctl("net.ipv4.ip_forward") == 1
    assert host.sysctl("net.bridge.bridge-nf-call-iptables") == 1


def test_nothing_is_swapped_now_and_after_a_restart(host: Host) -> None:
    entries = host.file("/etc/fstab").content_string.splitlines()

    assert host.file("/proc/swaps").content_string.count("\n") == 1
    assert [line for line in entries if not line.startswith("#") and "swap" in line.split()] == []


def test_the_kubelets_certificate_is_good_for_another_month(host: Host) -> None:
    """It renews itself; one near its end says that this has failed for a while."""
    path = "/var/lib/kubelet/pki/kubelet-client-current.pem"

    assert host.run(f"openssl x509 -noout -checkend {30 * 86400} -in %s", path).rc == 0
