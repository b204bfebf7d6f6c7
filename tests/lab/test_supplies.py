"""What the supplies are made of is taken by the real programs that take it in a lab."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from contextlib import nullcontext
from pathlib import Path

import pytest

from testbed.errors import ImageError
from testbed.packages import need
from testbed.programs import find_program
from testbed.programs.recipes import KUBERNETES_VERSION, architecture
from testbed.supplies import filling, registry
from testbed.supplies.images import Image, images
from testbed.supplies.oci import Layout, Run
from testbed.supplies.provisioner import buildah, buildah_storage
from testbed.supplies.recipes import KUBERNETES, PAUSE, PAUSE_VERSION

TINY = Image("library/tiny", ("1", "latest"), Run(("/tiny",)), files={"etc/issue": "tiny\n"})


@pytest.fixture(autouse=True)
def installed() -> None:
    need(filling.PACKAGES, "to make images", print)


def manifest(address: str, name: str) -> dict[str, object]:
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    request = urllib.request.Request(f"http://{address}/v2/{name}", headers=accept)
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, object] = json.load(response)
    return answer


def test_a_real_registry_takes_a_made_image_and_gives_it_back_under_each_tag(
    tmp_path: Path,
) -> None:
    filling.fill(tmp_path / "storage", [TINY], architecture(), print)

    with registry.serving(tmp_path / "storage") as address:
        first = manifest(address, "library/tiny/manifests/1")
        latest = manifest(address, "library/tiny/manifests/latest")

    assert first == latest
    assert first["schemaVersion"] == 2


def test_an_image_that_is_not_in_the_layout_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    layout = Layout(tmp_path / "layout", architecture())
    layout.add("there", [], Run())

    with (
        registry.serving(tmp_path / "storage") as address,
        pytest.raises(ImageError, match=r"did not take library/absent:1: "),
    ):
        registry.push(layout.folder, "absent", address, "library/absent:1")


def test_the_registry_has_all_that_kubeadm_asks_for() -> None:
    version = KUBERNETES_VERSION
    kubeadm = str(find_program(KUBERNETES[version]["kubeadm"]))
    command = [kubeadm, "config", "images", "list", f"--kubernetes-version={version}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    asked = {line.removeprefix("registry.k8s.io/") for line in done.stdout.splitlines()}

    assert asked <= {f"{image.name}:{tag}" for image in images((version,)) for tag in image.tags}


@pytest.mark.parametrize("last", ["COPY issue /etc/issue", "RUN /nothing"], ids=["whole", "fails"])
def test_a_build_leaves_nothing_mounted(tmp_path: Path, last: str) -> None:
    need(("buildah",), "to build images", print)
    (tmp_path / "issue").write_text("tiny\n")
    (tmp_path / "Containerfile").write_text(f"FROM scratch\nCOPY issue /\n{last}\n")

    with nullcontext() if last.startswith("COPY") else pytest.raises(ImageError, match="/nothing"):
        buildah(["build", "--layers", "--isolation=chroot", "--tag=tiny", str(tmp_path)])

    assert str(buildah_storage()) not in Path("/proc/mounts").read_text()


def test_pause_ends_when_it_is_told_to() -> None:
    with subprocess.Popen([find_program(PAUSE)]) as running:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.2)
        running.terminate()

        assert running.wait(10) in (0, -15)


def test_pause_ends_by_itself_when_only_its_version_is_asked_for() -> None:
    """As the job does that kubeadm waits for before an upgrade."""
    done = subprocess.run(
        [find_program(PAUSE), "-v"], capture_output=True, text=True, timeout=10, check=True
    )

    assert PAUSE_VERSION in done.stdout
