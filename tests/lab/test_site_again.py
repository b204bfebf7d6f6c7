"""Built machines, run on again: only what differs is changed, and services run as their files say.

Not among what `make test` runs: `make test-site-again`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testbed.lab.interface import Lab, Wish
from testbed.waiting import until
from tests.lab.site import changed, play, standing

pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="module")
def whole() -> Iterator[Lab]:
    """All four machines, built."""
    with standing("test-site-again", Wish()) as made:
        play(made, "site.yml")
        yield made


def test_a_dry_run_on_built_machines_finds_nothing_to_change(whole: Lab) -> None:
    assert changed(play(whole, "site.yml", "--check", "--diff")) == {}


def test_a_changed_variable_changes_that_alone(whole: Lab) -> None:
    counted = play(whole, "playbooks/storage.yml", "-e", "nfs_server_threads=24")

    assert set(changed(counted)) == {"nfs"}
    assert whole.guest("nfs").ssh("sudo cat /proc/fs/nfsd/threads") == "24\n"
    play(whole, "playbooks/storage.yml")


@pytest.mark.parametrize("commands", [["reload"], ["restart"], ["stop", "start"]])
def test_the_firewall_is_loaded_whatever_nftables_service_did(
    whole: Lab, commands: list[str]
) -> None:
    nfs = whole.guest("nfs")
    play(whole, "playbooks/storage.yml", "-e", '{"nfs_server_firewall": true}')
    nfs.ssh("sudo systemctl start nftables")

    for command in commands:
        nfs.ssh(f"sudo systemctl {command} nftables")

    # systemd reloads it behind nftables, and systemctl does not wait for that.
    table = "sudo nft list table inet holdfast_nfs 2>/dev/null || :"
    until(lambda: " drop\n" in nfs.ssh(table), 30, "the firewall's rules")


def test_a_firewall_that_was_flushed_is_loaded_by_the_next_run(whole: Lab) -> None:
    nfs, closed = (
        whole.guest("nfs"),
        ("playbooks/storage.yml", "-e", '{"nfs_server_firewall": true}'),
    )
    play(whole, *closed)
    nfs.ssh("sudo nft flush ruleset")

    assert set(changed(play(whole, *closed))) == {"nfs"}
    assert " drop\n" in nfs.ssh("sudo nft list table inet holdfast_nfs")
    assert changed(play(whole, *closed)) == {}
    play(whole, "playbooks/storage.yml")
    assert nfs.ssh("sudo nft list tables | grep holdfast || :") == ""


def test_a_restart_that_a_broken_run_owed_is_made_up_for(whole: Lab) -> None:
    """The run wrote the file and was ended before anything else."""
    nfs = whole.guest("nfs")
    threads = "s/^threads=.*/threads=20/"
    nfs.ssh(f"sudo sed --in-place {threads} /etc/nfs.conf.d/50-holdfast.conf")

    counted = play(whole, "playbooks/storage.yml", "-e", '{"nfs_server_threads": 20}')

    assert set(changed(counted)) == {"nfs"}
    assert nfs.ssh("sudo cat /proc/fs/nfsd/threads") == "20\n"
    play(whole, "playbooks/storage.yml")


@pytest.mark.parametrize(
    ("unit", "file"),
    [
        ("containerd", "/etc/containerd/config.toml"),
        ("kubelet", "/etc/systemd/system/kubelet.service"),
    ],
)
def test_a_service_with_older_files_than_there_are_is_restarted_once(
    whole: Lab, unit: str, file: str
) -> None:
    worker = whole.guest("worker1")
    process = f"systemctl show --property=MainPID {unit}"
    before = worker.ssh(process)
    worker.ssh(f"sudo chmod 0644 {file}")  # as written anew, with the same content

    assert set(changed(play(whole, "playbooks/cluster.yml"))) == {"worker1"}
    assert worker.ssh(process) != before
    assert changed(play(whole, "playbooks/cluster.yml")) == {}
