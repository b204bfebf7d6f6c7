"""A reset removes what the role wrote, leaves what others put there, and may be cut anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.kubernetes_node.machine import machine
from ansible_collections.holdfast.nfs.plugins.modules import node_files_absent

from tests.unit.roles.reading import HERE, load
from tests.unit.roles.rendering import evaluate
from tests.unit.roles.running import run

DIRECTORY = "/opt/kubernetes"
SETTINGS = "etc/sysctl.d/90-kubernetes.conf"
TASKS = "roles/kubernetes_node/tasks/remove.yml"
OURS = {
    "etc/kubernetes/kubeadm.yaml": "kind: ClusterConfiguration\n",
    "etc/kubernetes/holdfast-restore/etcd.yaml": "kind: Pod\n",
    "etc/systemd/system/kubelet.service": "# Written by Ansible, role kubernetes_node.\n",
    "etc/default/kubelet-proxy": "# Written by Ansible, role kubernetes_node, variable x.\n",
    SETTINGS: "net.ipv4.ip_forward=1\nnet.bridge.bridge-nf-call-iptables=1\n",
    "etc/modules-load.d/overlay.conf": "overlay\n",
    "etc/modules-load.d/br_netfilter.conf": "br_netfilter\n",
    "opt/kubernetes/v1.36.3/.kubeadm.x1": "cut off",
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def node(root: Path, directory: str = DIRECTORY) -> Path:
    """The machine as the role leaves it, two versions of programs on it; kubeadm reset has run."""
    write(root, OURS)
    for folder in ("etc/kubernetes/manifests", "etc/kubernetes/pki", "usr/local/bin"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name in ("kubeadm", "kubelet", "kubectl"):
        for version in ("v1.35.7", "v1.36.3"):
            path = f"{directory[1:]}/{version}/{name}"
            write(root, {path: "program", f"{path}.sha256": "digest\n"})
        (root / "usr/local/bin" / name).symlink_to(f"{directory}/v1.36.3/{name}")
    return root


def left(root: Path) -> set[str]:
    """What is there, but folders that have something in them."""
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(node_files_absent, "ROOT", tmp_path)
    return tmp_path


def removed(directory: str = DIRECTORY, *, check: bool = False) -> dict[str, Any]:
    return run(node_files_absent.main, check=check, directory=directory)


def test_all_that_the_role_wrote_goes_and_a_second_time_nothing(root: Path) -> None:
    node(root)

    assert removed()["changed"]
    assert left(root) == set()
    for folder in ("etc/kubernetes", "opt/kubernetes"):
        assert not (root / folder).exists()
    assert not removed()["changed"]


def test_a_dry_run_removes_nothing(root: Path) -> None:
    before = left(node(root))

    assert {path[1:] for path in removed(check=True)["removed"]} == before
    assert left(root) == before


def test_others_folders_beside_the_programs_stay(root: Path) -> None:
    """Seen: with the directory /opt, all of /opt went."""
    others = {
        "opt/mine/data": "",
        "opt/v1.36.3/notes": "",
        "opt/v2.0.0/kubectl": "of another, without the role's checksum",
        "opt/v2/kubectl.sha256": "",
    }
    write(node(root, "/opt"), others)

    removed("/opt")

    assert set(others) | {"opt/kubernetes/v1.36.3/.kubeadm.x1"} == left(root)


def test_a_folder_of_the_machine_stays_even_if_it_is_empty(root: Path) -> None:
    node(root, "/programs")

    removed("/programs")

    assert (root / "programs").is_dir()
    assert not list((root / "programs").iterdir())


def test_what_others_added_stays(root: Path) -> None:
    node(root)
    others = {
        "etc/kubernetes/encryption.yaml": "secret",
        "etc/kubernetes/pki/ca.key": "rescued",
        "etc/systemd/system/kubelet.service": "[Service]\nExecStart=/usr/local/bin/mine\n",
        "etc/default/kubelet-proxy": "HTTP_PROXY=x\n",
        SETTINGS: "net.ipv4.ip_forward=1\nvm.max_map_count=262144\n",
        "etc/modules-load.d/overlay.conf": "overlay\nnfsd\n",
    }
    write(root, others)

    removed()

    assert left(root) == set(others)


@pytest.mark.parametrize("kubelet", [None, "/opt/theirs/kubelet", "/opt/kubernetes/kubelet"])
def test_a_machine_on_which_the_role_installed_nothing_keeps_all(
    root: Path, kubelet: str | None
) -> None:
    """Seen: the reset of a machine that preflight had refused deleted /etc/kubernetes."""
    node(root)
    for link in (root / "usr/local/bin").iterdir():
        link.unlink()
    if kubelet:
        (root / "usr/local/bin/kubelet").symlink_to(kubelet)
    before = left(root)

    assert not removed()["changed"]
    assert left(root) == before


def test_a_file_that_cannot_be_removed_ends_it_with_its_name(root: Path) -> None:
    node(root)
    (root / SETTINGS).unlink()
    (root / SETTINGS).mkdir()

    result = removed()

    assert result["failed"]
    assert "90-kubernetes.conf" in result["msg"]
    assert (root / "usr/local/bin/kubelet").is_symlink()


class Cut(Exception):
    """The connection was lost."""


# Those of OURS, and each program as a link and, twice, as a file and its checksum.
FILES = len(OURS) + 3 * (1 + 2 * 2)


def run_until(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the module, which is cut before it removes that file."""
    count = iter(range(number))
    unlink = Path.unlink

    def cut(path: Path, *, missing_ok: bool = False) -> None:
        if next(count, None) is None:
            raise Cut
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", cut)
        with pytest.raises(Cut):
            removed()


@pytest.mark.parametrize("number", range(FILES))
def test_a_removal_that_is_cut_anywhere_is_completed_by_the_next(
    root: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen: kubeadm and the unit were gone, while the next run wanted to call them."""
    node(root)

    run_until(number, monkeypatch)
    ran = tasks(machine(root, DIRECTORY))
    for name, path in (("Reset the node", "kubeadm"), ("Stop the kubelet", "unit")):
        assert name not in ran or machine(root, DIRECTORY)[path]
    removed()

    assert left(root) == set()


def tasks(state: dict[str, Any]) -> dict[str, Any]:
    """The commands of the role that run on such a machine."""
    variables = {"kubernetes_node_now": {"state": state}}

    def is_run(task: dict[str, Any]) -> bool:
        given = task["when"] if isinstance(task["when"], list) else [task["when"]]
        return all(evaluate("kubernetes_node", f"{{{{ {one} }}}}", **variables) for one in given)

    found = {task["name"]: task for task in load(HERE / TASKS)}
    both = [found[name] for name in ("Reset the node", "Stop the kubelet")]
    return {task["name"]: task for task in both if is_run(task)}


def test_a_node_is_reset_by_the_program_that_its_kubelet_is_from(root: Path) -> None:
    node(root)
    (root / "usr/local/bin/kubeadm").unlink()

    state = machine(root, DIRECTORY)
    task = tasks(state)["Reset the node"]
    given = task["ansible.builtin.command"]["argv"]
    words = evaluate("kubernetes_node", given, kubernetes_node_now={"state": state})

    assert words[:3] == ["/opt/kubernetes/v1.36.3/kubeadm", "reset", "--force"]
    assert "Stop the kubelet" in tasks(state)


def test_where_kubeadm_began_nothing_it_resets_nothing(root: Path) -> None:
    node(root)
    (root / "etc/kubernetes/kubeadm.yaml").unlink()

    assert set(tasks(machine(root, DIRECTORY))) == {"Stop the kubelet"}


@pytest.mark.parametrize("run", [True, False])
def test_a_node_whose_containers_run_on_is_not_removed(*, run: bool) -> None:
    """kubeadm reset only warns where containerd does not end them."""
    names = [task["name"] for task in load(HERE / TASKS)]
    (task,) = [
        one for one in load(HERE / TASKS) if one["name"] == "Stop while containers of pods run"
    ]
    ended = {"state": {"containers": run}}

    passes = evaluate(
        "kubernetes_node",
        f"{{{{ {task['ansible.builtin.assert']['that']} }}}}",
        __kubernetes_node_ended=ended,
    )

    assert passes is not run
    at = names.index(task["name"])
    assert names[at - 2 : at + 2] == [
        "Reset the node",
        "Wait until the pods' containers have ended",
        "Stop while containers of pods run",
        "Stop the kubelet",
    ]
