"""Of two runs at once one makes a node, and the other resets nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import kubeadm_mark, kubeadm_obstacle

from tests.unit.roles.running import refusal, run

MARK = "etc/kubernetes/kubeadm-unfinished.yaml"
CONFIGURATION = "apiVersion: v1\nkind: ClusterConfiguration\n"
# Of /proc/net/tcp, with what listens on port 6443.
LISTENING = "sl local rem st\n 0: 00000000:192B 00000000:0000 0A 0 0\n"
IS_AT_WORK = (
    "another run is at work on it, or completed it (/etc/kubernetes/kubeadm-unfinished.yaml)"
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (kubeadm_mark, kubeadm_obstacle):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "etc/kubernetes").mkdir(parents=True)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def begin(**more: Any) -> str:
    """The id of a run that begins; it has the machine to itself."""
    return str(run(kubeadm_mark.main, content=CONFIGURATION, **more)["run"])


def refused(**more: Any) -> str:
    return refusal(kubeadm_mark.main, content=CONFIGURATION, machine="control", **more)


def obstacle(of: str) -> str:
    return str(run(kubeadm_obstacle.main, run=of)["obstacle"])


def left(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "etc/kubernetes").iterdir())


def test_kubeadm_gets_its_configuration_with_the_runs_id_above_it(root: Path) -> None:
    of = begin()

    assert (root / MARK).read_text() == f"# Of the run {of}.\n{CONFIGURATION}"
    assert (root / MARK).stat().st_mode & 0o777 == 0o600
    assert left(root) == ["kubeadm-unfinished.yaml"]
    assert obstacle(of) == ""


def test_the_second_of_two_runs_is_refused_and_leaves_the_mark(root: Path) -> None:
    """Seen: it wrote its own over it, failed, and reset the cluster of the first."""
    of = begin()
    before = (root / MARK).read_text()

    assert refused().startswith(
        "kubeadm was not started on control, and nothing was reset: another run is at work on it"
    )
    assert (root / MARK).read_text() == before
    assert left(root) == ["kubeadm-unfinished.yaml"]
    assert obstacle(of) == ""


def test_a_machine_that_became_a_node_since_it_was_looked_at_is_refused(root: Path) -> None:
    write(root / "etc/kubernetes/kubelet.conf", "")

    assert "it is a node by now" in refused()
    assert left(root) == ["kubelet.conf"]


@pytest.mark.parametrize("resume", [True, False])
def test_no_second_kubeadm_is_started(root: Path, *, resume: bool) -> None:
    if resume:
        begin()
    write(root / "proc/42/cmdline", "kubeadm\0init\0")
    before = left(root)

    assert "kubeadm runs there (pgrep -a kubeadm)" in refused(resume=resume)
    assert left(root) == before


def test_a_run_that_resumes_keeps_the_configuration_and_takes_the_mark(root: Path) -> None:
    first = begin()

    second = begin(resume=True)

    assert (root / MARK).read_text() == f"# Of the run {second}.\n{CONFIGURATION}"
    assert obstacle(first) == IS_AT_WORK
    assert obstacle(second) == ""
    assert left(root) == ["kubeadm-unfinished.yaml"]


def test_a_mark_of_before_there_were_ids_is_resumed_as_well(root: Path) -> None:
    write(root / MARK, CONFIGURATION)

    of = begin(resume=True)

    assert (root / MARK).read_text() == f"# Of the run {of}.\n{CONFIGURATION}"


def test_what_was_completed_meanwhile_is_not_resumed(root: Path) -> None:
    assert "another run completed or reset it meanwhile" in refused(resume=True)
    assert left(root) == []


@pytest.mark.parametrize("text", [None, CONFIGURATION, f"# Of the run {'0' * 32}.\n"])
def test_a_mark_that_is_not_the_runs_own_keeps_it_from_resetting(
    root: Path, text: str | None
) -> None:
    of = begin()
    (root / MARK).unlink()
    if text is not None:
        write(root / MARK, text)

    assert obstacle(of) == IS_AT_WORK


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("proc/42/cmdline", "kubeadm\0init\0", "a kubeadm runs there"),
        ("proc/net/tcp", LISTENING, "an API server listens there (port 6443)"),
    ],
)
def test_a_cluster_that_may_live_is_not_reset(root: Path, file: str, text: str, said: str) -> None:
    of = begin()
    write(root / file, text)

    assert obstacle(of).startswith(said)


def test_a_dry_run_marks_nothing(root: Path) -> None:
    assert run(kubeadm_mark.main, check=True, content=CONFIGURATION)["changed"]
    assert left(root) == []


def test_a_mark_that_cannot_be_written_is_said(root: Path) -> None:
    (root / "etc/kubernetes").rmdir()

    assert "No such file or directory" in refused()
