"""Tables of nftables, removed by asking the kernel itself.

Debian 12's `nft` ends with a segmentation fault where a newer one, as in kube-proxy's image, has
left rules. https://docs.kernel.org/networking/netlink_spec/nftables.html
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_absent
short_description: Remove tables of nftables
description:
  - Asks the kernel itself and not C(nft), which in Debian 12 crashes where a newer one has left
    rules.
options:
  tables:
    description: The tables, each with its family, as V(ip NAME), V(ip6 NAME) or V(inet NAME).
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Remove kube-proxy's nftables tables
  holdfast.nfs.nftables_absent:
    tables:
      - ip kube-proxy
      - ip6 kube-proxy
"""

RETURN = r"""
removed:
  description: The tables that were there.
  returned: success
  type: list
  elements: str
  sample: [ip kube-proxy]
"""

import errno
import os
import socket
import struct

from ansible.module_utils.basic import AnsibleModule

FAMILIES = {"inet": 1, "ip": 2, "ip6": 10}
GET_TABLE = 0x0A01
DELETE_TABLE = 0x0A02
BATCH_BEGIN = 0x10
BATCH_END = 0x11
REQUEST = 0x1
ACKNOWLEDGE = 0x4
ERROR = 0x2
TABLE_NAME = 1
NETFILTER = 12  # the protocol; Python has no name for it
SUBSYSTEM = 10
HEADER = struct.Struct("=IHHII")  # length, type, flags, number, port
TIMEOUT_SECONDS = 10.0


def message(kind: int, family: int, name: str = "", subsystem: int = 0) -> bytes:
    """A netlink message about one table; about none when it has no name."""
    content = struct.pack("=BB", family, 0) + struct.pack("!H", subsystem)
    if name:
        text = name.encode() + b"\0"
        padding = -len(text) % 4
        content += struct.pack("=HH", 4 + len(text), TABLE_NAME) + text + b"\0" * padding
    flags = REQUEST | (ACKNOWLEDGE if kind == DELETE_TABLE else 0)
    return HEADER.pack(HEADER.size + len(content), kind, flags, 0, 0) + content


def removal(family: int, name: str) -> bytes:
    """The batch that removes a table; changes are made in batches only."""
    return (
        message(BATCH_BEGIN, 0, subsystem=SUBSYSTEM)
        + message(DELETE_TABLE, family, name)
        + message(BATCH_END, 0, subsystem=SUBSYSTEM)
    )


def outcome(answer: bytes) -> int:
    """The error number in the kernel's answer; 0 when it did what was asked."""
    kind = HEADER.unpack_from(answer)[1]
    if kind != ERROR:
        return 0
    (number,) = struct.unpack_from("=i", answer, HEADER.size)
    return -int(number)


def ask(request: bytes) -> bool:
    """Send it to the kernel; whether the table that it names was there.

    Raises:
        OSError: the kernel refused.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER) as kernel:
        kernel.settimeout(TIMEOUT_SECONDS)
        kernel.send(request)
        number = outcome(kernel.recv(65536))
    if number not in {0, errno.ENOENT}:
        raise OSError(number, os.strerror(number))
    return number == 0


def parsed(table: str) -> tuple[int, str]:
    """The number of its family, and its name.

    Raises:
        ValueError: it is no table.
    """
    family, __, name = table.partition(" ")
    if family not in FAMILIES or not name or " " in name:
        families = ", ".join(FAMILIES)
        raise ValueError(
            f"{table!r} is no table; write its family ({families}) and its name, as ip NAME."
        )
    return FAMILIES[family], name


def main() -> None:
    """Run as Ansible calls it."""
    module = AnsibleModule(
        argument_spec={"tables": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    removed = []
    try:
        tables = [(table, *parsed(table)) for table in module.params["tables"]]
    except ValueError as error:
        module.fail_json(msg=str(error))
    for table, number, name in tables:
        look, remove = message(GET_TABLE, number, name), removal(number, name)
        try:
            if ask(look if module.check_mode else remove):
                removed.append(table)
        except OSError as error:
            module.fail_json(msg=f"The table {table} of nftables was not removed: {error}.")
    module.exit_json(changed=bool(removed), removed=removed)


if __name__ == "__main__":
    main()
