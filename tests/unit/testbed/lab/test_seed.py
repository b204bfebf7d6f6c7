"""What a machine unpacks at its first start."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from testbed.lab.machines import MACHINES
from testbed.lab.seed import write_seed

WORKER = MACHINES[2]


@pytest.fixture
def seed(tmp_path: Path) -> tarfile.TarFile:
    key = tmp_path / "host_key"
    key.write_text("private\n")
    key.with_suffix(".pub").write_text("public\n")
    target = tmp_path / "seed"
    write_seed(WORKER, "trixie", target, host_key=key, user_key="user\n")
    return tarfile.open(target)


def text(seed: tarfile.TarFile, name: str) -> str:
    content = seed.extractfile(name)
    assert content is not None
    return content.read().decode()


def test_it_names_the_machine_and_knows_all_others(seed: tarfile.TarFile) -> None:
    with seed:
        assert text(seed, "etc/hostname") == "worker1\n"
        hosts = text(seed, "etc/hosts")

    assert all(f"{machine.address} {machine.name}\n" in hosts for machine in MACHINES)


def test_the_only_source_of_packages_is_the_labs(seed: tarfile.TarFile) -> None:
    with seed:
        source = text(seed, "etc/apt/sources.list.d/lab.list")

    assert source == "deb [trusted=yes] http://192.168.41.1:8000/debian/trixie ./\n"


def test_private_keys_are_for_their_owners_only(seed: tarfile.TarFile) -> None:
    with seed:
        host = seed.getmember("etc/ssh/ssh_host_ed25519_key")
        user = seed.getmember("home/vagrant/.ssh/authorized_keys")

    assert (host.mode, host.uid) == (0o600, 0)
    assert (user.mode, user.uid) == (0o600, 1000)


def test_it_leaves_the_mark_that_keeps_it_from_being_unpacked_again(seed: tarfile.TarFile) -> None:
    unit = Path("testbed/lab/image/root/etc/systemd/system/lab-seed.service").read_text()
    with seed:
        names = seed.getnames()

    assert "etc/lab-seeded" in names
    assert "ConditionPathExists=!/etc/lab-seeded" in unit


def test_it_is_whole_blocks_long_as_a_disk_must_be(seed: tarfile.TarFile) -> None:
    with seed:
        assert Path(str(seed.name)).stat().st_size % 512 == 0
