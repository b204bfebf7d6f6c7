"""Swap that is off now may come back at boot, and then the kubelet does not start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.machine import (
    machine as state,
)

from tests.unit.roles.reading import HERE, load

ETC = "etc/systemd/system"


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def lines(root: Path, fstab: str) -> list[str]:
    write(root / "etc/fstab", fstab)
    found: list[str] = state(root, "/opt/kubernetes")["swap_lines"]
    return found


@pytest.mark.parametrize(
    "line",
    [
        "UUID=1-2 none swap sw 0 0",
        "/swap\\040file swap swap defaults",
        "/dev/sdb none swap",
        "\t/dev/sdb\tnone\tswap\tsw",
    ],
)
def test_a_line_of_fstab_is_told_although_swap_is_off(tmp_path: Path, line: str) -> None:
    """Seen: after swapoff --all by hand the role left the line as it was."""
    assert lines(tmp_path, f"/dev/sda1 / ext4 rw 0 1\n{line}\n/dev/sdc /swap xfs rw\n") == [line]


@pytest.mark.parametrize("line", ["# /dev/sdb none swap sw", "/dev/sdb /swap ext4 rw", "swap", ""])
def test_what_turns_no_swap_on_is_left(tmp_path: Path, line: str) -> None:
    assert lines(tmp_path, f"{line}\n") == []


@pytest.mark.parametrize(
    "link",
    [
        "swap.target.wants/swapfile.swap",
        "multi-user.target.requires/dev-sdb.swap",
        "multi-user.target.wants/zramswap.service",
    ],
)
def test_an_enabled_unit_of_swap_is_told(tmp_path: Path, link: str) -> None:
    write(tmp_path / ETC / link)
    write(tmp_path / ETC / "multi-user.target.wants/ssh.service")

    assert state(tmp_path, "/x")["enabled_swap_units"] == [link.split("/")[1]]


def test_a_unit_of_swap_that_a_generator_makes_is_told_until_it_is_masked(tmp_path: Path) -> None:
    write(tmp_path / "run/systemd/generator.late/dev-sda3.swap", "[Swap]\nWhat=/dev/sda3\n")
    write(tmp_path / "run/systemd/generator/dev-sdb.swap", "[Unit]\nSourcePath=/etc/fstab\n")
    assert state(tmp_path, "/x")["generated_swap_units"] == ["dev-sda3.swap"]

    (tmp_path / ETC).mkdir(parents=True)
    (tmp_path / ETC / "dev-sda3.swap").symlink_to("/dev/null")
    assert state(tmp_path, "/x")["generated_swap_units"] == []


def test_what_comes_at_boot_is_disabled_whether_the_machine_swaps_now_or_not() -> None:
    tasks = load(HERE / "roles/kubernetes_node/tasks/kernel.yml")
    swap = {task["name"]: task for task in tasks if "swap" in task["name"]}
    loops = [task["loop"] for task in swap.values() if "loop" in task]

    assert [name for name, task in swap.items() if "when" in task] == ["Disable swap"]
    assert [re.findall(r"state[.](\w+)", loop) for loop in loops] == [
        ["swap_lines"],
        ["enabled_swap_units"],
        ["generated_swap_units"],
    ]
