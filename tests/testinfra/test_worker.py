"""A worker: a node that runs pods and holds nothing that could change the cluster."""

from __future__ import annotations

from testinfra.host import Host

from tests.testinfra.looking import listeners, tokens_in_journal

testinfra_hosts = ["ansible://workers?sudo=true"]


def test_it_has_joined_with_credentials_of_its_own(host: Host) -> None:
    name = host.ansible.get_variables()["inventory_hostname"]
    shown = host.check_output(
        "openssl x509 -noout -subject -in /var/lib/kubelet/pki/kubelet-client-current.pem"
    )

    assert "system:nodes" in shown
    assert shown.endswith(f"system:node:{name}")


def test_the_token_that_it_joined_with_is_not_kept(host: Host) -> None:
    assert not host.file("/etc/kubernetes/bootstrap-kubelet.conf").exists


def test_it_has_nothing_that_makes_an_administrator(host: Host) -> None:
    found = host.check_output("find /etc/kubernetes -name '*admin.conf' -o -name '*.key'")

    assert found == ""


def test_it_runs_no_part_of_the_control_plane(host: Host) -> None:
    ports = {port for _, port in listeners(host, "tcp")}

    assert ports & {2379, 2380, 6443, 10257, 10259} == set()


def test_no_token_to_join_with_is_in_the_journal(host: Host) -> None:
    assert tokens_in_journal(host) == []
