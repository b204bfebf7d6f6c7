"""The programs of a Kubernetes release, fetched once, checked, and put in use by links."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_programs
short_description: Install the programs of a Kubernetes release
description:
  - Fetches kubeadm, kubelet and kubectl into a folder that is named for their version.
  - A program is used only when it has the checksum that the server publishes beside it, or the one
    of O(checksums). The checksum is kept, so what is there already is checked without asking the
    server.
  - With O(links), symbolic links in that folder put this version in use.
options:
  url:
    description: The server; the layout beneath is that of U(https://dl.k8s.io/release).
    type: str
    required: true
  version:
    description: The release, as V(v1.36.3).
    type: str
    required: true
  directory:
    description: The folder that has a folder for each version.
    type: path
    required: true
  links:
    description: The folder of the links. Without it the programs are fetched only.
    type: path
  checksums:
    description:
      - The SHA-256 checksum of each program by its name, for each architecture (V(amd64),
        V(arm64)). The checksums that the server publishes are not trusted then.
      - Has to be complete for the architecture of the machine, unless it is empty.
    type: dict
    default: {}
extends_documentation_fragment:
  - holdfast.nfs.attributes
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Download the binaries of a release
  holdfast.nfs.kubernetes_programs:
    url: https://dl.k8s.io/release
    version: v1.36.3
    directory: /opt/kubernetes

- name: Install the binaries
  holdfast.nfs.kubernetes_programs:
    url: https://dl.k8s.io/release
    version: v1.36.3
    directory: /opt/kubernetes
    links: /usr/local/bin

- name: Install binaries with pinned checksums
  holdfast.nfs.kubernetes_programs:
    url: https://mirror.example.com/release
    version: v1.36.3
    directory: /opt/kubernetes
    checksums:
      amd64:
        kubeadm: "{{ kubeadm_checksum }}"
        kubelet: "{{ kubelet_checksum }}"
        kubectl: "{{ kubectl_checksum }}"
"""

RETURN = r"""
fetched:
  description: The names of the programs that were missing or damaged and were fetched.
  returned: always
  type: list
  elements: str
  sample: [kubeadm, kubelet, kubectl]
linked:
  description: The links that were missing or led elsewhere and were set.
  returned: always
  type: list
  elements: str
  sample: [/usr/local/bin/kubeadm]
"""

import hashlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

PROGRAMS = ("kubeadm", "kubelet", "kubectl")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
TIMEOUT_SECONDS = 60
CHECKSUM = re.compile(r"[0-9a-f]{64}")


REMEDY = "Repair the server or the mirror, then run this again."
PINNED_REMEDY = (
    "Give the checksums of kubernetes_node_version where that is another now; else repair the "
    "server or the mirror."
)


class ReleaseError(Exception):
    """The server does not give a program that can be used."""


def architecture(machine: str) -> str:
    """Kubernetes' name for this kind of machine.

    Raises:
        ReleaseError: Kubernetes is not released for it.
    """
    if machine not in ARCHITECTURES:
        known = " and ".join(ARCHITECTURES)
        raise ReleaseError(f"This machine is of the kind {machine}; programs are had for {known}.")
    return ARCHITECTURES[machine]


def source(url: str, version: str, machine: str) -> str:
    """The folder on the server that has the programs for this kind of machine."""
    return f"{url.rstrip('/')}/{version}/bin/linux/{architecture(machine)}"


def pinned(checksums: Mapping[str, object], machine: str) -> dict[str, str]:
    """The checksum that each program has to have; none of any where none is pinned.

    Raises:
        ReleaseError: one is missing or is none; the server's would be trusted in its place.
    """
    if not checksums:
        return {}
    kind = architecture(machine)
    own = checksums.get(kind)
    given = own if isinstance(own, Mapping) else {}
    found = {name: str(given.get(name, "")).lower() for name in PROGRAMS}
    if wrong := [name for name in PROGRAMS if not CHECKSUM.fullmatch(found[name])]:
        raise ReleaseError(
            f"kubernetes_node_checksums has no SHA-256 checksum of {', '.join(wrong)} for {kind}; "
            "give that of each program, or leave the variable empty to trust those that the server "
            "publishes."
        )
    return found


def published(text: str, url: str) -> str:
    """The checksum in the text of a `.sha256`, which may name its file as well.

    Raises:
        ReleaseError: it is something else, as a mirror's own error page is.
    """
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if not CHECKSUM.fullmatch(first):
        raise ReleaseError(f"{url} holds no SHA-256 checksum; repair the server or the mirror.")
    return first


def digest(path: Path) -> str:
    """The file's SHA-256 checksum."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_of(program: Path) -> Path:
    """Where a program's published checksum is kept."""
    return program.with_name(f"{program.name}.sha256")


def is_whole(program: Path, pin: str = "") -> bool:
    """Whether the program is there, as it was published, or as it is pinned."""
    kept = checksum_of(program)
    if not program.is_file() or not kept.is_file():
        return False
    return digest(program) == (pin or kept.read_text().strip())


def ask(url: str) -> IO[bytes]:
    """The server's answer.

    Raises:
        ReleaseError: there is none, or it is no.
    """
    try:
        answer: IO[bytes] = open_url(url, timeout=TIMEOUT_SECONDS, follow_redirects="all")
    except HTTPError as error:
        error.close()
        raise ReleaseError(
            f"{url}: the server says {error.code} {error.reason}. Check kubernetes_node_version "
            "and kubernetes_node_release_url."
        ) from error
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ReleaseError(
            f"{url} cannot be had: {reason}. Check the network, or let "
            "kubernetes_node_release_url name a mirror that this machine reaches."
        ) from error
    return answer


def fetch(url: str, program: Path, pin: str = "") -> None:
    """Put the program and its checksum in place, whole or not at all.

    Raises:
        ReleaseError: the server does not give it, or gives another than it published or is pinned.
    """
    wanted = pin or ask_checksum(url)
    handle, name = tempfile.mkstemp(prefix=f".{program.name}.", dir=program.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, ask(url) as answer:
            shutil.copyfileobj(answer, file)
        if (got := digest(partial)) != wanted:
            said = "kubernetes_node_checksums" if pin else f"{url}.sha256"
            raise ReleaseError(
                f"{url} has the checksum {got}, not {wanted} as {said} says; it was not installed. "
                f"{PINNED_REMEDY if pin else REMEDY}"
            )
        checksum_of(program).write_text(f"{wanted}\n")
        partial.chmod(0o755)
        partial.replace(program)
    finally:
        partial.unlink(missing_ok=True)


def ask_checksum(url: str) -> str:
    """The checksum that the server publishes of a program."""
    with ask(f"{url}.sha256") as answer:
        return published(answer.read(1024).decode(errors="replace"), f"{url}.sha256")


def is_link_to(link: Path, program: Path) -> bool:
    """Whether the link is there and leads to the program."""
    return link.is_symlink() and link.readlink() == program


def lead(link: Path, program: Path) -> None:
    """Make the link lead to the program, with no moment at which it leads nowhere."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(program)
    new.replace(link)


def run(params: Mapping[str, Any], *, check_mode: bool) -> dict[str, list[str]]:
    """Fetch and link what is missing; the names of both.

    Raises:
        ReleaseError: a program cannot be had.
    """
    folder = Path(params["directory"]) / params["version"]
    origin = source(params["url"], params["version"], platform.machine())
    pins = pinned(params.get("checksums") or {}, platform.machine())
    missing = [name for name in PROGRAMS if not is_whole(folder / name, pins.get(name, ""))]
    links = [Path(params["links"]) / name for name in PROGRAMS] if params["links"] else []
    astray = [link for link in links if not is_link_to(link, folder / link.name)]
    if not check_mode:
        folder.mkdir(parents=True, exist_ok=True)
        for name in missing:
            fetch(f"{origin}/{name}", folder / name, pins.get(name, ""))
        for link in astray:
            lead(link, folder / link.name)
    return {"fetched": missing, "linked": [str(link) for link in astray]}


def main() -> None:
    """Run as Ansible calls it."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "directory": {"type": "path", "required": True},
            "links": {"type": "path"},
            "checksums": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    try:
        done = run(module.params, check_mode=module.check_mode)
    except ReleaseError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The Kubernetes programs could not be installed: {error}.")
    module.exit_json(changed=any(done.values()), **done)


if __name__ == "__main__":
    main()
