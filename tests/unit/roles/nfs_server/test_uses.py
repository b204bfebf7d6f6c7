"""A device that cannot be wiped is said to be used, and by whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import uses

from tests.unit.roles.reading import HERE, load

LINE = "36 35 {} / {} rw,noatime master:1 - xfs /dev/vdb rw\n"
SWAPS = "Filename Type Size Used Priority\n"


class Kernel:
    """Its files; the device is 0:0, as a file's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.device = root / "disk"
        self.device.touch()
        self.process("self", "mnt:[1]")
        self.process("1", "mnt:[1]")

    def process(self, name: str, namespace: str, *points: str, device: str = "0:0") -> None:
        folder = self.root / "proc" / name
        (folder / "ns").mkdir(parents=True, exist_ok=True)
        (folder / "ns/mnt").unlink(missing_ok=True)
        (folder / "ns/mnt").symlink_to(namespace)
        (folder / "comm").write_text("container\n")
        (folder / "mountinfo").write_text("".join(LINE.format(device, point) for point in points))

    def uses(self) -> list[str]:
        return uses.uses(str(self.device))


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    monkeypatch.setattr(uses, "ROOT", tmp_path)
    return Kernel(tmp_path)


def test_nothing_is_said_of_a_device_that_nobody_uses(kernel: Kernel) -> None:
    kernel.process("self", "mnt:[1]", "/", device="254:1")
    (kernel.root / "proc/2").mkdir()  # it has ended meanwhile

    assert kernel.uses() == []


def test_each_mount_is_named_once(kernel: Kernel) -> None:
    kernel.process("self", "mnt:[1]", "/srv/nfs", r"/media/my\040disk")
    kernel.process("1", "mnt:[1]", "/srv/nfs")

    assert kernel.uses() == ["mounted at /srv/nfs", "mounted at /media/my disk"]


def test_a_mount_of_another_namespace_is_named_with_its_process(kernel: Kernel) -> None:
    kernel.process("77", "mnt:[2]", "/mnt")
    kernel.process("78", "mnt:[2]", "/mnt")

    assert kernel.uses() == ["mounted at /mnt for process 77 (container)"]


def test_devices_on_it_and_swap_are_named(kernel: Kernel) -> None:
    (kernel.root / "sys/dev/block/0:0/holders/dm-3").mkdir(parents=True)
    (kernel.root / "proc/swaps").write_text(f"{SWAPS}{kernel.device} partition 1 0 -2\n")

    assert kernel.uses() == ["used by dm-3", "used as swap"]


def test_the_role_unmounts_before_it_forgets_the_mount() -> None:
    """ansible.posix.mount unmounts with `absent` only what /etc/fstab has, and removes that first.

    A run whose unmount failed could never be finished by the next.
    """
    tasks = load(HERE / "roles/nfs_server/tasks/wipe.yml")
    steps = [
        task.get("ansible.posix.mount", task.get("holdfast.nfs.nfs_filesystems")) for task in tasks
    ]

    assert [step["state"] for step in steps if step] == ["unmounted", "absent", "wiped"]
    assert {task["loop"] for task in tasks[:2]} == {"{{ __nfs_server_doomed.paths }}"}
