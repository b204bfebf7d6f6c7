"""Which server containerd asks instead of a registry: one folder with a `hosts.toml` for each.

https://github.com/containerd/containerd/blob/main/docs/hosts.md
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_mirrors
short_description: Name the mirrors of container registries to containerd
description:
  - Writes a C(hosts.toml) for each registry of O(mirrors). containerd asks the mirror only.
  - Removes those that it wrote for registries that are not in O(mirrors) any more; files that
    others wrote stay.
options:
  mirrors:
    description: The URL of the mirror by the name of the registry.
    type: dict
    required: true
  path:
    description: The folder of mirrors, C(config_path) in the configuration of containerd.
    type: path
    default: /etc/containerd/certs.d
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: linux
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Ask a mirror in place of two registries
  holdfast.nfs.registry_mirrors:
    mirrors:
      registry.k8s.io: https://mirror.example.com
      docker.io: https://mirror.example.com

- name: Ask the registries themselves
  holdfast.nfs.registry_mirrors:
    mirrors: {}
"""

RETURN = r"""# It returns nothing of its own."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

MARK = "# Written by Ansible, variable container_runtime_mirrors.\n"
REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")


class BadMirrorError(Exception):
    """What was given names no registry or no server."""


def hosts_file(registry: str, url: object) -> str:
    """The content of `hosts.toml` that sends containerd to `url` and nowhere else.

    Raises:
        BadMirrorError: one of the two is not what it has to be.
    """
    if not REGISTRY.fullmatch(registry):
        raise BadMirrorError(
            f"container_runtime_mirrors: {registry!r} is no registry's name; "
            "write it as in an image's name, for example registry.k8s.io."
        )
    if not is_server(url):
        raise BadMirrorError(
            f"container_runtime_mirrors: the mirror of {registry} is {url!r}; "
            "it has to be a URL such as https://mirror.example.com."
        )
    # A file without a host is not read at all; the server is what is asked after it.
    return f'{MARK}server = "{url}"\n\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n'


def is_server(url: object) -> bool:
    """Whether this is a URL that can be asked for images, and is safe within quotes."""
    if not isinstance(url, str) or re.search(r'["\\\s]', url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def wanted(mirrors: Mapping[str, object]) -> dict[str, str]:
    """The content of each registry's `hosts.toml`."""
    return {registry: hosts_file(registry, url) for registry, url in mirrors.items()}


def present(folder: Path) -> dict[str, str]:
    """What is there now: all files, others' too."""
    return {path.parent.name: path.read_text() for path in sorted(folder.glob("*/hosts.toml"))}


def outdated(now: Mapping[str, str], then: Mapping[str, str]) -> list[str]:
    """The registries that were named by us and are no longer."""
    return [name for name, text in now.items() if name not in then and text.startswith(MARK)]


def apply(folder: Path, then: Mapping[str, str], gone: list[str]) -> None:
    """Make the folder so."""
    for registry, text in then.items():
        target = folder / registry / "hosts.toml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    for registry in gone:
        shutil.rmtree(folder / registry)


def listing(files: Mapping[str, str]) -> str:
    """All files as one text, for `--diff`."""
    return "".join(f"{registry}/hosts.toml\n{text}" for registry, text in sorted(files.items()))


def main() -> None:
    """Compare, and change only what differs."""
    module = AnsibleModule(
        argument_spec={
            "mirrors": {"type": "dict", "required": True},
            "path": {"type": "path", "default": "/etc/containerd/certs.d"},
        },
        supports_check_mode=True,
    )
    folder = Path(module.params["path"])
    try:
        then = wanted(module.params["mirrors"])
    except BadMirrorError as error:
        module.fail_json(msg=str(error))
    now = present(folder)
    gone = outdated(now, then)
    after = {name: text for name, text in (now | then).items() if name not in gone}
    if after != now and not module.check_mode:
        apply(folder, then, gone)
    diff = {"before": listing(now), "after": listing(after)}
    module.exit_json(changed=after != now, diff=diff)


if __name__ == "__main__":
    main()
