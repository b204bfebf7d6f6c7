"""Which server containerd asks instead of a registry: one folder with a `hosts.toml` for each.

https://github.com/containerd/containerd/blob/main/docs/hosts.md
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_mirrors
short_description: Name the mirrors of container registries to containerd
description:
  - Writes a C(hosts.toml) for each registry of O(mirrors). containerd asks the mirror only, unless
    the registry itself is its fallback.
  - Removes those that it wrote for registries that are not in O(mirrors) any more. Files that
    others wrote stay, and one that would have to be written over is refused.
options:
  mirrors:
    description:
      - The mirror by the name of the registry, a URL or a dictionary.
      - A URL with a path stands for the folder of a registry, V(https://mirror.example.com/quay)
        for C(/v2/quay). Where the server's API is beneath the path, end it with C(/v2).
      - The keys of a dictionary are C(url); C(ca), the path of certificates on the machine or their
        PEM text; C(username) and C(password), for a mirror that takes HTTP basic authentication;
        C(fallback), whether the registry itself is asked after the mirror.
    type: dict
    required: true
  path:
    description: The folder of mirrors, C(config_path) in the configuration of containerd.
    type: path
    default: /etc/containerd/certs.d
extends_documentation_fragment:
  - holdfast.nfs.attributes
attributes:
  diff_mode:
    support: full
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Use a mirror for two registries
  holdfast.nfs.registry_mirrors:
    mirrors:
      registry.k8s.io: https://mirror.example.com
      docker.io: https://mirror.example.com

- name: Use a mirror with a CA and a login, and fall back to the registry
  holdfast.nfs.registry_mirrors:
    mirrors:
      quay.io:
        url: https://mirror.example.com/quay
        ca: /usr/local/share/ca-certificates/mirror.crt
        username: reader
        password: "{{ mirror_password }}"
        fallback: true

- name: Remove all mirrors
  holdfast.nfs.registry_mirrors:
    mirrors: {}
"""

RETURN = r"""
pending:
  description: Whether there is something to change, which C(changed_when) does not override.
  returned: success
  type: bool
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.holdfast.nfs.plugins.module_utils.container_runtime.mirrors import (
    CA_FILE,
    MARK,
    BadMirrorError,
    Mirror,
    hosts_file,
    read_mirrors,
    secrets,
    without_logins,
)

HOSTS_FILE = "hosts.toml"
PUBLIC = 0o644
PRIVATE = 0o600

Files = dict[str, tuple[str, int]]  # content and mode by the path within the folder


def wanted(mirrors: Mapping[str, Mirror]) -> Files:
    """The files of all registries."""
    files: Files = {}
    for registry, mirror in mirrors.items():
        mode = PRIVATE if mirror.login else PUBLIC
        files[f"{registry}/{HOSTS_FILE}"] = (hosts_file(mirror), mode)
        if mirror.brings_ca:
            files[f"{registry}/{CA_FILE}"] = (f"{MARK}{mirror.ca.strip()}\n", PUBLIC)
    return files


def present(folder: Path) -> Files:
    """The files that are there now, others' too."""
    paths = sorted(path for name in (HOSTS_FILE, CA_FILE) for path in folder.glob(f"*/{name}"))
    return {
        str(path.relative_to(folder)): (
            path.read_text(encoding="utf-8", errors="replace"),
            path.stat().st_mode & 0o777,
        )
        for path in paths
    }


def check_ours(folder: Path, now: Files, then: Iterable[str]) -> None:
    """Refuse to write over what others wrote.

    Raises:
        BadMirrorError: a file that is wanted is there and is not this module's.
    """
    for name in then:
        if name in now and not now[name][0].startswith(MARK):
            raise BadMirrorError(
                name.partition("/")[0],
                f"{folder / name} is there already and was not written by these playbooks; remove "
                "it, or leave this registry out of container_runtime_mirrors.",
            )


def check_ca(mirrors: Mapping[str, Mirror]) -> None:
    """Refuse the path of a file that is not there: containerd would pull nothing.

    Raises:
        BadMirrorError: naming the registry and the path.
    """
    for registry, mirror in mirrors.items():
        if mirror.ca and not mirror.brings_ca and not Path(mirror.ca).is_file():
            raise BadMirrorError(
                registry,
                f"its ca, {mirror.ca}, is no file on this machine; put it there, or give the "
                "certificates themselves.",
            )


def outdated(now: Files, then: Iterable[str]) -> list[str]:
    """The files that this module wrote and that are no longer wanted."""
    kept = set(then)
    return [name for name, (text, __) in now.items() if name not in kept and text.startswith(MARK)]


def apply(folder: Path, then: Files, gone: Iterable[str]) -> None:
    """Make the folder so; what others put there stays."""
    for name, (text, mode) in then.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, text, mode)
    for name in gone:
        (folder / name).unlink()
        if not any((folder / name).parent.iterdir()):
            (folder / name).parent.rmdir()


def write(path: Path, text: str, mode: int) -> None:
    """Replace the file in one step: containerd reads it at each pull."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    new.replace(path)


def listing(files: Files) -> str:
    """All files as one text, for `--diff`."""
    return "".join(
        f"{name} {mode:04o}\n{without_logins(text)}" for name, (text, mode) in sorted(files.items())
    )


def main() -> None:
    """Compare, and change only what differs."""
    module = AnsibleModule(
        argument_spec={
            "mirrors": {"type": "dict", "required": True, "no_log": True},
            "path": {"type": "path", "default": "/etc/containerd/certs.d"},
        },
        supports_check_mode=True,
    )
    # The logs have nothing of it by now; a sentence may name what is no secret.
    module.no_log_values = set(secrets(module.params["mirrors"]))
    folder = Path(module.params["path"])
    now = present(folder)
    try:
        mirrors = read_mirrors(module.params["mirrors"])
        check_ca(mirrors)
        then = wanted(mirrors)
        check_ours(folder, now, then)
    except BadMirrorError as error:
        module.fail_json(msg=str(error))
    gone = outdated(now, then)
    after = {name: file for name, file in (now | then).items() if name not in gone}
    if after != now and not module.check_mode:
        apply(folder, then, gone)
    diff = {"before": listing(now), "after": listing(after)}
    changed = after != now
    module.exit_json(changed=changed, pending=changed, diff=diff)


if __name__ == "__main__":
    main()
