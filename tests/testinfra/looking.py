"""How the checks look at a machine, and what they take from the inventory and the roles."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from testinfra.host import Host

from tests.testinfra.promised import PROMISED

KUBECONFIG: Final = "/etc/kubernetes/admin.conf"


def settings(host: Host, role: str, machine: str = "") -> dict[str, Any]:
    """The role's variables on a machine (this one): the inventory's, else what is promised."""
    promised = {key: value for key, value in PROMISED.items() if key.startswith(f"{role}_")}
    name = machine or host.ansible.get_variables()["inventory_hostname"]
    return {**promised, **host.backend.ansible_runner.get_variables(name)}


def needs_v3(host: Host) -> bool:
    """Whether the inventory has the machine serve or mount by version 3."""
    groups = host.ansible.get_variables()["group_names"]
    versions = settings(host, "nfs_server")["nfs_server_versions"]
    mounts = str(settings(host, "nfs_client")["nfs_client_v3"]).lower() in {"true", "yes", "1"}
    return ("nfs_servers" in groups and "3" in map(str, versions)) or (
        "kubernetes" in groups and mounts
    )


def spoken_versions(shown: str) -> set[str]:
    """Those of NFS in the kernel's "-2 +3 +4 -4.0 +4.1 +4.2", where no +4.0 is ever shown."""
    words = shown.split()
    found = {version for version in ("3", "4.1", "4.2") if f"+{version}" in words}
    return found | ({"4.0"} if "+4" in words and "-4.0" not in words else set())


def machines(host: Host, group: str) -> dict[str, str]:
    """The address of each machine of a group of the inventory, by its name."""
    runner = host.backend.ansible_runner
    names = host.ansible.get_variables()["groups"].get(group, [])
    return {name: runner.get_variables(name).get("ansible_host", name) for name in names}


def kubectl(host: Host, *words: str) -> Any:
    """What the API server answers to kubectl on this machine, which is a control plane's."""
    command = " ".join(["kubectl --kubeconfig=%s --output=json", *["%s"] * len(words)])
    return json.loads(host.check_output(command, KUBECONFIG, *words))


def listeners(host: Host, protocol: str) -> set[tuple[str, int]]:
    """Address and port of everything that listens for `tcp` or `udp` from other machines."""
    lines = host.check_output("ss --no-header --numeric --listening --%s", protocol).splitlines()
    found = {tuple(line.split()[3].rsplit(":", 1)) for line in lines}
    return {
        (address, int(port))
        for address, port in found
        if not address.startswith(("127.", "[::1]")) and "%lo" not in address
    }


def may(host: Host, account: str, verb: str, kind: str, *more: str) -> bool:
    """Whether the API server lets an account do this; fails where it gives no answer."""
    words = ["auth", "can-i", verb, kind, f"--as={account}", *more]
    command = " ".join(["kubectl --kubeconfig=%s", *["%s"] * len(words)])
    done = host.run(command, KUBECONFIG, *words)
    answer = done.stdout.strip()
    # kubectl ends with 0 for yes and with 1 for no, and with 1 too where it could not ask.
    assert (done.rc, answer) in {(0, "yes"), (1, "no")}, done.stderr
    return bool(answer == "yes")


def shown_exports(host: Host, *, listed: bool) -> set[str]:
    """The paths that the server shows to whoever asks by NFSv3's way.

    Args:
        host: the server
        listed: whether it is to answer; else its silence has to be that of a closed port
    """
    command = "timeout 20 showmount --no-headers --exports 127.0.0.1"
    done = host.run(command)
    if listed:
        assert done.rc == 0, done.stderr
    else:
        assert done.rc == 1, f"{command} ended with {done.rc}: {done.stdout}{done.stderr}"
        assert re.search("clnt_create|rpc", done.stderr, re.IGNORECASE), done.stderr
    return {line.split()[0] for line in done.stdout.splitlines()}


def may_mount(host: Host, way: str, source: str, version: str) -> bool:
    """Whether an NFS server lets somebody mount; fails where it was not asked.

    Args:
        host: where the command is run
        way: the beginning of the command, "ip netns exec NAME"; the mount is gone when it ends
        source: the server's address and the path
        version: of NFS
    """
    options = f"vers={version},retry=0" + (",nolock" if version == "3" else "")
    done = host.run(f"{way} timeout 60 mount -t nfs -o {options} %s /mnt", source)
    said = "access denied by server|reason given by server|Operation not permitted"
    assert done.rc == 0 or re.search(said, done.stderr), f"{done.rc}: {done.stderr}"
    return bool(done.rc == 0)


def tokens_in_journal(host: Host) -> list[str]:
    """The lines of the journal that tell a token with which a machine may join."""
    found = host.run("journalctl --quiet --grep '[^a-z0-9.][a-z0-9]{6}[.][a-z0-9]{16}[^a-z0-9.]'")
    # It ends with 1 where no line matches, and where it could not look: then it says why.
    assert found.rc in {0, 1}, found.stderr
    assert found.stderr == ""
    return [line for line in found.stdout.splitlines() if "token" in line.lower()]


def published_checksum(host: Host, wanted: Mapping[str, Any], program: str) -> str:
    """The checksum of a program, from the inventory or the release server, not from the machine."""
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[host.check_output("uname -m")]
    if pins := wanted["kubernetes_node_checksums"]:
        return str(pins[architecture][program]).lower()
    folder = f"{wanted['kubernetes_node_version']}/bin/linux/{architecture}"
    url = f"{wanted['kubernetes_node_release_url']}/{folder}/{program}.sha256"
    asked = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"
    found = str(host.check_output("python3 -c %s %s", asked, url)).split()[0]
    assert re.fullmatch("[0-9a-f]{64}", found), f"{url}: {found}"
    return found


def answered(host: Host, url: str) -> str:
    """What the machine gets from a program of its own, without a proxy that it may have."""
    asked = (
        "import sys, urllib.request as r; "
        "print(r.build_opener(r.ProxyHandler({})).open(sys.argv[1]).read().decode())"
    )
    return str(host.check_output("python3 -c %s %s", asked, url)).strip()


def clock_offset(host: Host) -> float:
    """By how many seconds the machine's clock is off this one's, after what asking takes."""
    before = time.time()
    there = float(host.check_output("date +%s.%N"))
    after = time.time()
    return max(before - there, there - after, 0.0)
