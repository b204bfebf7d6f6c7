"""What is said to the kernel, byte by byte, and how its answer is read."""

from __future__ import annotations

import errno
import struct

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import nftables_absent as tables


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
