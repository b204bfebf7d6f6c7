"""`holdfast run`: it serves, ends when asked, and says in a sentence why it cannot start."""

from __future__ import annotations

import json
import os
import signal
import socket
import tempfile
from pathlib import Path

import pytest

from tests.cluster.site import Site
from tests.cluster.typed import AS_NOBODY, holdfast, running, variables_of
from tests.support import eventually

NEEDED = {
    "PROVISIONER_NAME": "example.com/nfs",
    "NFS_SERVER": "nfs.example.com",
    "NFS_PATH": "/export",
}


def lines_of(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_what_its_environment_says_and_ends_when_asked(
    site: Site, tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "log"
    variables = variables_of(site) | {"NFS_DEFAULT_MODE": "0750"}

    with running(log, variables) as process:
        directory = site.directory(site.bound(site.claim(site.make_class())))
        process.send_signal(number)
        code = process.wait(30)

    assert code == 0
    assert directory.stat().st_mode & 0o7777 == 0o750
    events = {str(line["event"]): line for line in lines_of(log)}
    assert int(str(events["holdfast starts"]["http_port"])) > 0
    assert events["volume created"]["claim"] == f"{site.namespace}/data"
    assert "holdfast stops" in events


def test_several_former_names_are_given_with_spaces(site: Site, tmp_path: Path) -> None:
    former = [f"{site.namespace}.example.com/{number}" for number in range(2)]
    variables = variables_of(site) | {"HOLDFAST_ALSO_KNOWN_AS": " ".join(former)}

    with running(tmp_path / "log", variables):
        for number, name in enumerate(former):
            storage_class = site.make_class(f"nfs-{number}", provisioner=name)
            site.bound(site.claim(storage_class, f"claim-{number}"))


def test_logs_for_a_person_are_no_json_and_have_no_colours_in_a_file(
    site: Site, tmp_path: Path
) -> None:
    log = tmp_path / "log"

    with running(log, variables_of(site) | {"HOLDFAST_LOG_FORMAT": "console"}):
        eventually(lambda: "term begun" in log.read_text())

    assert "holdfast starts" in log.read_text()
    assert "\x1b" not in log.read_text()


@pytest.mark.parametrize("variable", NEEDED)
def test_a_missing_variable_is_named(variable: str) -> None:
    rest = {name: value for name, value in NEEDED.items() if name != variable}

    typed = holdfast("run", variables=rest)

    assert typed.code == 2
    assert f"(env var: '{variable}')" in typed.complaint
    assert typed.complaint.startswith("Error: Missing option")


class TestTheKubeconfig:
    def complaint(self, kubeconfig: Path) -> str:
        typed = holdfast("run", variables=NEEDED | {"KUBECONFIG": str(kubeconfig)})
        assert typed.code == 1
        assert str(kubeconfig) in typed.complaint
        return typed.complaint

    def test_one_that_is_missing(self, tmp_path: Path) -> None:
        assert "does not exist" in self.complaint(tmp_path / "missing")

    @pytest.mark.parametrize("content", ["", "text", "[1, 2]", "a: [", "kind: Config"])
    def test_one_that_is_none(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "config"
        path.write_text(content)

        assert "cannot be used" in self.complaint(path)

    @pytest.mark.parametrize("mode", [0o000, 0o711])
    def test_one_that_cannot_be_read(self, mode: int) -> None:
        """Neither the file, nor perhaps the folder that it is in."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "config"
            path.touch(mode=0o000)
            path.parent.chmod(mode)
            program = ("-c", AS_NOBODY) if os.geteuid() == 0 else ("-m", "holdfast")
            typed = holdfast("volumes", "--kubeconfig", str(path), program=program)
            path.parent.chmod(0o700)

        assert typed.code == 1
        assert str(path) in typed.complaint

    def test_none_at_all_outside_of_a_cluster(self) -> None:
        typed = holdfast("run", variables=NEEDED)

        assert typed.code == 1
        assert "name a kubeconfig file" in typed.complaint


def test_a_port_that_is_taken_is_named(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"

        typed = holdfast("run", variables=variables_of(site) | {"HOLDFAST_HTTP": address})

    assert typed.code == 1
    assert address in typed.complaint
    assert "in use" in typed.complaint


def test_an_address_that_is_not_this_machine_s_is_named(site: Site) -> None:
    variables = variables_of(site) | {"HOLDFAST_HTTP": "192.0.2.1:8080"}

    typed = holdfast("run", variables=variables)

    assert typed.code == 1
    assert "192.0.2.1:8080" in typed.complaint
