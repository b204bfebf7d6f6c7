"""Writes a README for each role from what the role says of itself: `make docs`.

Options and entry points are those of meta/argument_specs.yml, defaults those of defaults/main.yml.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

COLLECTION: Final = Path(__file__).parent.parent
ROLES: Final = sorted(path.parents[1] for path in COLLECTION.glob("roles/*/meta/main.yml"))
PREFIX: Final = "holdfast.nfs"

_HEAD: Final = "<!-- Written by `make docs` from meta and defaults; change it there. -->"
# https://docs.ansible.com/ansible/latest/dev_guide/ansible_markup.html
_MARKUP: Final = re.compile(r"\b[BCEIMOV]\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Example:
    """A play that has the role.

    Attributes:
        hosts: the machines.
        variables: of the role.
        before: the roles without which it does not work. Not `dependencies` of meta/main.yml,
            which Ansible runs before each entry point, the preflight checks too.
    """

    hosts: str
    variables: Mapping[str, Any]
    before: Sequence[str] = ()


EXAMPLES: Final = {
    "container_runtime": Example(
        "kubernetes", {"container_runtime_mirrors": {"docker.io": "https://mirror.example.com"}}
    ),
    "control_plane": Example(
        "control_plane",
        {"control_plane_pod_network": "10.244.0.0/16"},
        ("container_runtime", "kubernetes_node"),
    ),
    "etcd_snapshots": Example(
        "control_plane",
        {"etcd_snapshots_copy_to": "192.168.41.10:/srv/nfs/backup"},
        ("container_runtime", "kubernetes_node", "control_plane"),
    ),
    "health_check": Example("kubernetes", {"health_check_disk_percent": 85}),
    "kubernetes_node": Example(
        "kubernetes", {"kubernetes_node_version": "v1.36.3"}, ("container_runtime",)
    ),
    "nfs_client": Example(
        "kubernetes", {"nfs_client_test_mounts": [{"source": "192.168.41.10:/srv/nfs/k8s"}]}
    ),
    "nfs_server": Example(
        "nfs_servers",
        {
            "nfs_server_filesystems": [
                {
                    "device": "/dev/disk/by-id/virtio-exports",
                    "path": "/srv/nfs",
                    "label": "holdfast",
                }
            ],
            "nfs_server_exports": [
                {
                    "path": "/srv/nfs/k8s",
                    "clients": ["192.168.41.0/24"],
                    "options": ["rw", "no_root_squash"],
                }
            ],
        },
    ),
    "pod_network": Example(
        "control_plane",
        {"pod_network_provider": "flannel"},
        ("container_runtime", "kubernetes_node", "control_plane"),
    ),
    "provisioner": Example(
        "control_plane",
        {
            "provisioner_nfs_server": "192.168.41.10",
            "provisioner_nfs_path": "/srv/nfs/k8s",
            "provisioner_storage_classes": [{"name": "nfs-client", "onDelete": "archive"}],
        },
    ),
    "verify": Example("control_plane", {"verify_storage_class": "nfs-client"}),
    "worker": Example(
        "workers", {"worker_control_plane": "control"}, ("container_runtime", "kubernetes_node")
    ),
    "workloads": Example("control_plane", {"workloads_names": ["redis", "stateful-web"]}),
}


def readme(role: Path) -> str:
    """The README of the role in this folder."""
    entries = _load(role / "meta/argument_specs.yml")["argument_specs"]
    about = _load(role / "meta/main.yml")
    parts = [
        f"# {PREFIX}.{role.name}",
        _HEAD,
        _paragraph(f"{about['galaxy_info']['description']}. {_prose(entries['main'])}"),
        _paragraph(f"{_systems(about)} {_before(role.name)}"),
        "## Entry points",
        _entry_points(entries),
        "## Options",
        _options(entries, _load(role / "defaults/main.yml")),
        "## Example",
        _play(role.name, entries["main"]["short_description"]),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main() -> None:
    """Rewrites every README that is not current."""
    for role in ROLES:
        path, text = role / "README.md", readme(role)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"renewed {path.relative_to(COLLECTION)}")


def _before(role: str) -> str:
    names = [f"`{PREFIX}.{name}`" for name in EXAMPLES[role].before]
    if not names:
        return ""
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    return f"Runs after {listed}, in the same play or an earlier one."


def _systems(about: Mapping[str, Any]) -> str:
    info = about["galaxy_info"]
    systems = [f"{one['name']} {' or '.join(one['versions'])}" for one in info["platforms"]]
    return f"Needs {', '.join(systems)} and Ansible {info['min_ansible_version']} or newer."


def _entry_points(entries: Mapping[str, Any]) -> str:
    rows = [
        # More of what main does stands above.
        (f"`{name}`", _short(entry) if name == "main" else f"{_short(entry)} {_prose(entry)}")
        for name, entry in entries.items()
    ]
    return _table(("`tasks_from`", "what it does"), rows)


def _options(entries: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    options: dict[str, Any] = {}
    for entry in entries.values():  # the first that has an option describes it
        options |= {name: of for name, of in entry["options"].items() if name not in options}
    described = {
        name: option
        | ({"default": defaults[name]} if name in defaults else {})
        | {"required": _requiring(name, entries)}
        for name, option in options.items()
    }
    return _table(("option", "type", "default", "meaning"), _rows(described))


def _requiring(name: str, entries: Mapping[str, Any]) -> str:
    """What the table says of an option that some entry points require, and main may not have."""
    found = [entry for entry, of in entries.items() if of["options"].get(name, {}).get("required")]
    if not found or "main" in found:
        return "required" if found else ""
    return f"required by {', '.join(f'`{entry}`' for entry in found)}"


def _rows(options: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str, str, str]]:
    for name, option in options.items():
        choices = ", ".join(f"`{choice}`" for choice in option.get("choices", ()))
        meaning = _prose(option) + (f" One of {choices}." if choices else "")
        yield f"`{above}{name}`", _type(option), _default(option), meaning
        yield from _rows(option.get("options", {}), f"{above}{name}.")


def _type(option: Mapping[str, Any]) -> str:
    of = f" of {option['elements']}" if "elements" in option else ""
    return f"{option['type']}{of}"


def _default(option: Mapping[str, Any]) -> str:
    if "default" in option:
        return f"`{_inline(option['default'])}`"
    required = option.get("required")
    return required if isinstance(required, str) else "required" if required else ""


def _inline(value: Any) -> str:
    """A value as YAML on one line; text as it is, unless there is none."""
    if isinstance(value, str) and value:
        return value
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def _prose(of: Mapping[str, Any]) -> str:
    """The description of an entry point or an option, as Markdown."""
    text = of["description"]
    return _MARKUP.sub(r"`\1`", text if isinstance(text, str) else " ".join(text))


def _short(entry: Mapping[str, Any]) -> str:
    return _MARKUP.sub(r"`\1`", entry["short_description"]) + "."


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _play(role: str, name: str) -> str:
    example = EXAMPLES[role]
    play: dict[str, Any] = {"name": name, "hosts": example.hosts, "become": True}
    if example.variables:
        play["vars"] = dict(example.variables)
    play["roles"] = [{"role": f"{PREFIX}.{name}"} for name in (*example.before, role)]
    return f"```yaml\n{yaml.dump([play], Dumper=_Indented, sort_keys=False)}```"


class _Indented(yaml.SafeDumper):
    """Indents lists beneath their key, as ansible-lint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the base's
        super().increase_indent(flow, False)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    main()
