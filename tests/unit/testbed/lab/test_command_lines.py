"""What a machine's kernel is told, and what ip(8) is."""

from __future__ import annotations

import os
from pathlib import Path

from testbed.lab.guest import arguments, on_one_processor
from testbed.lab.machines import MACHINES, Machine
from testbed.lab.network import bridge_commands, cable_commands

NFS, CONTROL = MACHINES[:2]


def words(machine: Machine) -> list[str]:
    return arguments(
        machine,
        disk="/disks/own.cow,/cache/base",
        export=Path("/disks/export"),
        seed=Path("/disks/seed"),
        sockets=Path("/run/uml"),
    )


def test_the_machine_writes_to_its_own_disk_and_leaves_the_image_alone() -> None:
    assert words(CONTROL)[0] == "ubd0=/disks/own.cow,/cache/base"


def test_only_the_nfs_server_has_a_second_disk() -> None:
    assert "ubd1=/disks/export" in words(NFS)
    assert not any(word.startswith("ubd1") for word in words(CONTROL))


def test_the_seed_is_the_third_disk_of_every_machine() -> None:
    assert all("ubd2=/disks/seed" in words(machine) for machine in MACHINES)


def test_the_card_takes_packets_raw_from_the_cable_of_that_machine() -> None:
    card = next(word for word in words(CONTROL) if word.startswith("vec0:"))

    assert "transport=raw" in card
    assert "ifname=control" in card
    assert f"mac={CONTROL.mac}" in card


def test_the_machine_has_the_memory_of_the_table() -> None:
    assert f"mem={CONTROL.memory}M" in words(CONTROL)


def test_the_machine_stays_on_one_of_the_processors_that_we_may_use() -> None:
    *words_before, processor = on_one_processor(CONTROL)

    assert words_before == ["taskset", "--cpu-list"]
    assert int(processor) in os.sched_getaffinity(0)


def test_cables_join_the_bridge_and_nothing_leaves_it() -> None:
    lines = [*bridge_commands(), *cable_commands(NFS)]

    assert "link set to-nfs master lab" in lines
    assert not [line for line in lines if "netns" in line or "default" in line]


def test_names_of_links_are_as_short_as_the_kernel_wants_them() -> None:
    links = [line.split()[2] for machine in MACHINES for line in cable_commands(machine)]

    assert all(len(link) <= 15 for link in links)
