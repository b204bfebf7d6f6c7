"""What is said to the kernel, byte by byte, and how its answer is read."""

from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess
import sys
from typing import Self

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import nftables_absent as tables

from tests.unit.roles.running import refusal, run


def test_a_removal_is_a_batch_of_three_messages() -> None:
    batch = tables.removal(2, "kube-proxy")
    kinds = []
    while batch:
        length, kind, *_ = tables.HEADER.unpack_from(batch)
        kinds.append(kind)
        batch = batch[length:]

    assert kinds == [tables.BATCH_BEGIN, tables.DELETE_TABLE, tables.BATCH_END]


def test_a_table_is_named_with_its_family() -> None:
    content = tables.message(tables.DELETE_TABLE, 10, "abc")[tables.HEADER.size :]

    assert content == b"\x0a\x00\x00\x00" + struct.pack("=HH", 8, 1) + b"abc\x00"


@pytest.mark.parametrize("name", ["a", "abc", "abcd", "kube-proxy"])
def test_messages_end_on_a_multiple_of_four_bytes(name: str) -> None:
    assert len(tables.message(tables.GET_TABLE, 2, name)) % 4 == 0


@pytest.mark.parametrize("number", [0, errno.ENOENT, errno.EPERM])
def test_the_kernel_s_error_number_is_read(number: int) -> None:
    answer = tables.HEADER.pack(36, tables.ERROR, 0, 0, 0) + struct.pack("=i", -number)

    assert tables.outcome(answer) == number


def test_an_answer_with_the_table_is_no_error() -> None:
    assert tables.outcome(tables.HEADER.pack(20, 0x0A00, 0, 0, 0)) == 0


class Kernel:
    """Answers each request as it is told to, and notes what it was asked for."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.asked: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def settimeout(self, _: float) -> None:
        pass

    def send(self, request: bytes) -> None:
        self.asked.append(tables.HEADER.unpack_from(request)[1])

    def recv(self, _: int) -> bytes:
        return tables.HEADER.pack(36, tables.ERROR, 0, 0, 0) + struct.pack("=i", -self.number)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel(0)
    monkeypatch.setattr(socket, "socket", lambda *_: made)
    return made


def test_a_table_that_is_there_is_removed(kernel: Kernel) -> None:
    result = run(tables.main, tables=["ip kube-proxy", "ip6 kube-proxy"])

    assert (result["changed"], result["removed"]) == (True, ["ip kube-proxy", "ip6 kube-proxy"])
    assert kernel.asked == [tables.BATCH_BEGIN, tables.BATCH_BEGIN]


def test_a_dry_run_only_looks(kernel: Kernel) -> None:
    result = run(tables.main, check=True, tables=["ip kube-proxy"])

    assert result["changed"] is True
    assert kernel.asked == [tables.GET_TABLE]


@pytest.mark.parametrize("check", [True, False])
def test_a_table_that_is_not_there_is_no_change(kernel: Kernel, *, check: bool) -> None:
    kernel.number = errno.ENOENT

    assert run(tables.main, check=check, tables=["ip kube-proxy"])["changed"] is False


@pytest.mark.parametrize("number", [errno.EPERM, errno.EBUSY, errno.EOPNOTSUPP])
def test_what_the_kernel_refuses_is_no_success(kernel: Kernel, number: int) -> None:
    kernel.number = number

    said = refusal(tables.main, tables=["ip kube-proxy"])

    assert said.startswith("The table ip kube-proxy of nftables was not removed: ")


@pytest.mark.parametrize("table", ["kube-proxy", "arp x", "ip ", "ip a b", ""])
def test_what_is_no_table_is_refused_before_one_is_removed(kernel: Kernel, table: str) -> None:
    assert f"{table!r} is no table" in refusal(tables.main, tables=["ip kube-proxy", table])
    assert kernel.asked == []


# In namespaces of its own, where it is root and the machine's rules are not.
REAL = """
import struct, sys
from ansible_collections.holdfast.nfs.plugins.modules import nftables_absent as tables
from tests.unit.roles.running import run

NEW_TABLE = 0x0A00
create = bytearray(tables.removal(2, "kube-proxy"))
struct.pack_into("=HH", create, 20 + 4, NEW_TABLE, tables.REQUEST | tables.ACKNOWLEDGE | 0x400)
try:
    assert tables.ask(bytes(create))
except OSError as error:
    sys.exit(f"no nftables here: {error}")
steps = [
    run(tables.main, check=check, tables=["ip kube-proxy", "ip other"])["removed"]
    for check in (True, True, False, True, False)
]
print(steps)
"""


def test_a_real_kernel_removes_the_table_and_a_dry_run_leaves_it() -> None:
    unshared = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", REAL]
    paths = ":".join(path for path in sys.path if path)
    done = subprocess.run(
        unshared,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    if "unshare failed" in done.stderr or "no nftables here" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    there = "['ip kube-proxy']"

    assert done.stdout.strip() == f"[{there}, {there}, {there}, [], []]"
