"""A program is in use only when it is the one that was published."""

from __future__ import annotations

import hashlib
import platform
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import kubernetes_programs as programs

from tests.unit.roles.running import Result, refusal, run

VERSION = "v1.36.3"


class QuietHandler(SimpleHTTPRequestHandler):
    """Says nothing on standard error."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The programs' folder on the server."""
    machine = programs.ARCHITECTURES[platform.machine()]
    folder = tmp_path / "release" / VERSION / "bin/linux" / machine
    folder.mkdir(parents=True)
    for name in programs.PROGRAMS:
        content = f"program {name}".encode()
        (folder / name).write_bytes(content)
        (folder / f"{name}.sha256").write_text(hashlib.sha256(content).hexdigest())
    return folder


@pytest.fixture
def url(release: Path) -> Iterator[str]:
    handler = partial(QuietHandler, directory=str(release.parents[3]))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(timeout=10)


class Machine:
    """Where the programs are installed."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "opt" / VERSION
        self.links = root / "bin"
        self.links.mkdir()

    def arguments(self, url: str, *, link: bool = True, **more: Any) -> dict[str, Any]:
        links = {"links": str(self.links)} if link else {}
        return {
            "url": url,
            "version": VERSION,
            "directory": str(self.folder.parent),
            **links,
            **more,
        }

    def install(self, url: str, *, check: bool = False, link: bool = True, **more: Any) -> Result:
        result = run(programs.main, check=check, **self.arguments(url, link=link, **more))
        assert not result.get("failed"), result
        assert result["changed"] is bool(result["fetched"] or result["linked"])
        return result

    def refusal(self, url: str, **more: Any) -> str:
        return refusal(programs.main, **self.arguments(url, **more))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_links_lead_to_programs_that_can_be_run(machine: Machine, url: str) -> None:
    machine.install(url)

    assert (machine.links / "kubelet").read_text() == "program kubelet"
    assert (machine.links / "kubelet").stat().st_mode & 0o777 == 0o755
    assert (machine.links / "kubelet").readlink() == machine.folder / "kubelet"


def test_a_second_run_changes_nothing_and_asks_nobody(machine: Machine, url: str) -> None:
    machine.install(url)

    assert machine.install("http://nobody.invalid")["changed"] is False


def test_without_links_the_programs_wait_in_their_folder(machine: Machine, url: str) -> None:
    machine.install(url, link=False)

    assert (machine.folder / "kubeadm").exists()
    assert list(machine.links.iterdir()) == []


def test_a_dry_run_tells_what_is_missing_and_makes_nothing(machine: Machine, url: str) -> None:
    done = machine.install(url, check=True)

    assert done["fetched"] == list(programs.PROGRAMS)
    assert not machine.folder.exists()


def test_a_program_that_was_damaged_is_fetched_again(machine: Machine, url: str) -> None:
    machine.install(url)
    (machine.folder / "kubectl").write_text("half")

    assert machine.install(url)["fetched"] == ["kubectl"]
    assert (machine.folder / "kubectl").read_text() == "program kubectl"


def test_a_link_of_another_version_is_led_to_this_one(machine: Machine, url: str) -> None:
    (machine.links / "kubelet").symlink_to("/opt/kubernetes/v1.35.1/kubelet")

    assert str(machine.links / "kubelet") in machine.install(url)["linked"]
    assert (machine.links / "kubelet").read_text() == "program kubelet"


def test_a_checksum_that_does_not_match_leaves_nothing_behind(
    machine: Machine, url: str, release: Path
) -> None:
    (release / "kubelet").write_text("something else")

    assert "kubelet.sha256 says; it was not installed" in machine.refusal(url)
    assert {path.name for path in machine.folder.iterdir()} == {"kubeadm", "kubeadm.sha256"}


def test_a_mirror_without_the_program_says_so(machine: Machine, url: str, release: Path) -> None:
    (release / "kubectl").unlink()

    assert "/kubectl: the server says 404 File not" in machine.refusal(url)


def test_a_server_that_does_not_answer_is_named(machine: Machine) -> None:
    url = f"http://127.0.0.1:{unused_port()}"

    said = machine.refusal(url)

    assert said.startswith(url)
    assert "cannot be had" in said
    assert "refused" in said


def test_an_error_page_is_no_checksum(machine: Machine, url: str, release: Path) -> None:
    (release / "kubeadm.sha256").write_text("<html>not here</html>")

    assert "holds no SHA-256 checksum" in machine.refusal(url)


def test_a_checksum_may_be_followed_by_the_name_of_its_file() -> None:
    assert programs.published(f"{'a' * 64}  kubelet\n", "url") == "a" * 64


def test_a_machine_that_kubernetes_is_not_released_for_is_refused() -> None:
    with pytest.raises(programs.ReleaseError, match="of the kind riscv64"):
        programs.source("http://mirror", VERSION, "riscv64")


def test_the_address_has_the_layout_of_the_official_server() -> None:
    found = programs.source("https://dl.k8s.io/release/", VERSION, "aarch64")

    assert found == "https://dl.k8s.io/release/v1.36.3/bin/linux/arm64"


def checksums(release: Path, **other: str) -> dict[str, dict[str, str]]:
    """What the programs of this machine's architecture have to have."""
    own = {
        name: hashlib.sha256((release / name).read_bytes()).hexdigest()
        for name in programs.PROGRAMS
    }
    return {release.name: own | other}


def test_with_pinned_checksums_the_servers_own_are_not_asked_for(
    machine: Machine, url: str, release: Path
) -> None:
    for path in release.glob("*.sha256"):
        path.unlink()

    machine.install(url, checksums=checksums(release))

    assert (machine.links / "kubelet").read_text() == "program kubelet"


def test_a_program_other_than_the_pinned_is_refused_whatever_the_server_publishes(
    machine: Machine, url: str, release: Path
) -> None:
    pins = checksums(release)
    (release / "kubelet").write_text("something else")
    digest = hashlib.sha256(b"something else").hexdigest()
    (release / "kubelet.sha256").write_text(digest)

    said = machine.refusal(url, checksums=pins)

    assert f"has the checksum {digest}, not " in said
    assert "as kubernetes_node_checksums says; it was not installed" in said
    assert not (machine.folder / "kubelet").exists()


def test_a_program_that_is_there_already_is_compared_with_the_pinned(
    machine: Machine, url: str, release: Path
) -> None:
    machine.install(url)

    assert machine.install(url, checksums=checksums(release))["changed"] is False
    assert "as kubernetes_node_checksums says" in machine.refusal(
        url, checksums=checksums(release, kubectl="a" * 64)
    )


@pytest.mark.parametrize("wrong", ["", "a" * 63, "g" * 64])
def test_a_pin_that_is_missing_is_not_made_up_by_the_server(
    machine: Machine, url: str, release: Path, wrong: str
) -> None:
    said = machine.refusal(url, checksums=checksums(release, kubelet=wrong))

    assert said.startswith("kubernetes_node_checksums has no SHA-256 checksum of kubelet for ")
    assert not machine.folder.exists()


@pytest.mark.parametrize("pins", [{"riscv64": {}}, {"amd64": "x", "arm64": "x"}])
def test_pins_of_another_architecture_are_none_for_this_one(
    machine: Machine, url: str, pins: dict[str, Any]
) -> None:
    assert "no SHA-256 checksum of kubeadm, kubelet, kubectl for" in machine.refusal(
        url, checksums=pins
    )


def test_a_folder_that_cannot_be_written_is_told(machine: Machine, url: str) -> None:
    machine.folder.parent.parent.joinpath("opt").write_text("a file")

    assert "The Kubernetes programs could not be installed: " in machine.refusal(url)
