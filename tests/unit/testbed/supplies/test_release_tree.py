"""The release server's folder is laid out as those of Kubernetes and Helm."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from testbed.programs import find_program
from testbed.programs.recipes import KUBERNETES_VERSION, architecture
from testbed.supplies import find_helm, recipes, release_tree
from testbed.supplies.recipes import HELM_VERSION, PREVIOUS_VERSION
from tests.unit.testbed.conftest import ReleaseServer

REPOSITORY = Path(__file__).parents[4]
FAKE_GO = """#!/bin/sh
if [ "$1" = env ]; then echo go1.26.0; exit; fi
while [ "$1" != -o ]; do flags="$flags $1"; shift; done
echo "$3 with $flags cgo=$CGO_ENABLED" > "$2"
"""


@pytest.fixture(autouse=True)
def go(bare_machine: Path) -> None:
    path = bare_machine / "go"
    path.write_text(FAKE_GO)
    path.chmod(0o755)


@pytest.mark.parametrize("name", ["kubeadm", "kubelet", "kubectl"])
def test_each_program_has_its_checksum_beside_it(name: str) -> None:
    folder = release_tree() / "release" / KUBERNETES_VERSION / "bin" / "linux" / architecture()

    program = (folder / name).read_bytes()

    assert f"k8s.io/kubernetes/cmd/{name} with".encode() in program
    assert f"gitVersion={KUBERNETES_VERSION} ".encode() in program
    listed = (folder / f"{name}.sha256").read_text().strip()
    assert listed == hashlib.sha256(program).hexdigest()


def test_helm_is_in_an_archive_that_its_checksum_file_names() -> None:
    folder = release_tree() / "helm"
    name = f"helm-{HELM_VERSION}-linux-{architecture()}.tar.gz"

    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()

    assert (folder / f"{name}.sha256sum").read_text() == f"{digest}  {name}\n"
    with tarfile.open(folder / name) as archive:
        member = archive.getmember(f"linux-{architecture()}/helm")
        assert member.mode == 0o755


def test_a_previous_version_is_beside_the_current_one_when_asked_for() -> None:
    tree = release_tree(versions=(PREVIOUS_VERSION, KUBERNETES_VERSION))

    versions = sorted(path.name for path in (tree / "release").iterdir())

    assert versions == [PREVIOUS_VERSION, KUBERNETES_VERSION]


def test_programs_are_links_to_those_in_the_cache() -> None:
    path = next((release_tree() / "release").rglob("kubelet"))

    assert path.stat().st_nlink == 2


def test_a_second_run_makes_nothing() -> None:
    first = release_tree()
    lines: list[str] = []

    assert release_tree(lines.append) == first
    assert lines == []


def test_a_module_with_parts_in_c_becomes_a_static_program() -> None:
    built = find_program(recipes.FLANNELD).read_text()

    assert "cgo=1" in built
    assert "-extldflags -static" in built


def test_a_kubernetes_release_server_is_not_asked_for_other_projects_programs(
    mirror: ReleaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_RELEASE_URL", mirror.url)

    assert "helm.sh/helm/v3/cmd/helm with" in find_helm().read_text()
    assert not mirror.asked


def test_helm_knows_which_kubernetes_it_renders_for() -> None:
    assert "k8sVersionMinor=36" in find_helm().read_text()


def test_the_command_refuses_a_version_that_has_no_modules() -> None:
    command = [sys.executable, "-m", "testbed.supplies", "v1.20.0"]

    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False
    )

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(
        f"'v1.20.0' is none of {KUBERNETES_VERSION}, {PREVIOUS_VERSION}"
    )


def test_the_command_lists_the_images_without_making_any() -> None:
    command = [sys.executable, "-m", "testbed.supplies", "--list"]

    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=True
    )

    assert f"kube-apiserver:{KUBERNETES_VERSION}" in done.stdout.splitlines()
    assert done.stderr == ""
