"""Debian packages are installed only where they are missing, and said beforehand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from testbed.errors import PackagesError
from testbed.packages import need

DPKG_QUERY = """#!/bin/sh
[ "$3" = skopeo ] && printf installed
exit 0
"""
APT_GET = """#!/bin/sh
echo "$*" >> {log}
[ "$FAIL" ] && echo 'E: no such mirror' >&2 && exit 100
exit 0
"""


@pytest.fixture
def log(bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a machine that has skopeo and no other package; we are root on it."""
    log = tmp_path / "apt.log"
    for name, script in (("dpkg-query", DPKG_QUERY), ("apt-get", APT_GET.format(log=log))):
        (bare_machine / name).write_text(script)
        (bare_machine / name).chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return log


def test_nothing_happens_when_all_are_there(log: Path) -> None:
    lines: list[str] = []

    need(["skopeo"], "to make images", lines.append)

    assert lines == []
    assert not log.exists()


def test_those_that_are_missing_are_named_and_then_installed(log: Path) -> None:
    lines: list[str] = []

    need(["skopeo", "buildah"], "to make images", lines.append)

    assert lines == ["installing Debian packages on this machine to make images: buildah …"]
    assert log.read_text().splitlines()[-1].endswith("install --no-install-recommends buildah")


def test_what_apt_says_is_in_the_error(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "1")

    with pytest.raises(PackagesError, match=r"apt-get update failed(.|\n)*no such mirror"):
        need(["buildah"], "to make images", print)

    assert len(log.read_text().splitlines()) == 1


@pytest.mark.usefixtures("log")
def test_who_is_not_root_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(PackagesError, match="packages buildah are needed to make images"):
        need(["skopeo", "buildah"], "to make images", print)
