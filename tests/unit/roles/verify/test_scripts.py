"""The pods' scripts, run by a real shell with a stub of nslookup."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.verify import scripts

PROOF = "0123abcd"
RESOLV_CONF = "search trial.svc.lan.example svc.lan.example lan.example\nnameserver 10.96.0.10\n"
ANSWERS = 'echo "$@" >> "$ASKED"; echo "** no answer *"; [ "$1" = "-type=$ANSWERED" ]'


class Pod:
    """A folder in place of the volume, and programs that a container would have."""

    def __init__(self, folder: Path) -> None:
        self.volume = folder / "volume"
        self.volume.mkdir()
        self.resolv_conf = folder / "resolv.conf"
        self.resolv_conf.write_text(RESOLV_CONF)
        self._asked = folder / "asked"
        self._programs = folder / "bin"
        self._programs.mkdir()
        self._program("nslookup", ANSWERS)
        self._program("sleep", "exit 0")

    def run(self, script: str, answered: str = "a") -> subprocess.CompletedProcess[str]:
        path = f"{self._programs}:/usr/bin:/bin"
        return subprocess.run(
            ["/bin/sh", "-c", script.replace("/etc/resolv.conf", str(self.resolv_conf))],
            env={"PATH": path, "ASKED": str(self._asked), "ANSWERED": answered},
            cwd=self.volume,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def asked(self) -> list[str]:
        return self._asked.read_text().splitlines() if self._asked.exists() else []

    def _program(self, name: str, script: str) -> None:
        program = self._programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_what_one_writes_the_other_reads(pod: Pod) -> None:
    for script in (scripts.writer, scripts.reader):
        assert pod.run(script(PROOF, str(pod.volume))).returncode == 0

    assert (pod.volume / "proof").read_text() == f"{PROOF}\n"


@pytest.mark.parametrize("found", [None, "", "other\n"])
def test_another_content_or_none_is_an_error_whatever_resolves(pod: Pod, found: str | None) -> None:
    if found is not None:
        (pod.volume / "proof").write_text(found)

    assert pod.run(scripts.reader(PROOF, str(pod.volume))).returncode == 1
    assert pod.asked() == []


def test_a_volume_that_cannot_be_written_is_an_error_whatever_resolves(pod: Pod) -> None:
    assert pod.run(scripts.writer(PROOF, f"{pod.volume}/missing")).returncode == 1
    assert pod.asked() == []


def test_the_name_is_in_the_domain_that_the_cluster_has(pod: Pod) -> None:
    pod.run(scripts.writer(PROOF, str(pod.volume)))

    assert pod.asked() == ["-type=a kubernetes.default.svc.lan.example"]


def test_a_cluster_of_ipv6_alone_has_its_name_too(pod: Pod) -> None:
    assert pod.run(scripts.writer(PROOF, str(pod.volume)), answered="aaaa").returncode == 0


def test_a_name_that_does_not_resolve_is_told_in_one_line_after_some_tries(pod: Pod) -> None:
    (pod.volume / "a-file-that-no-asterisk-names").touch()

    done = pod.run(scripts.writer(PROOF, str(pod.volume)), answered="none")

    assert done.returncode == 1
    assert done.stdout == (
        "kubernetes.default.svc.lan.example does not resolve on this node; its firewall has to let"
        " the pod network pass: ** no answer *\n"
    )
    assert len(pod.asked()) == 8
