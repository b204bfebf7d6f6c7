"""A layer is what one system has and another has not."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from testbed.supplies import debian
from tests.unit.testbed.supplies import archives

BASE = {"./etc/": "", "./etc/issue": "Debian", "./usr/bin/nft": "old"}


def layer(folder: Path, upper: Path, lower: Path | None) -> Path:
    path = folder / "layer.tar"
    with tarfile.open(path, "w") as target:
        debian.difference(upper, lower, target)
    return path


def between(folder: Path, upper: Mapping[str, str]) -> list[str]:
    base = archives.write(folder / "base.tar", BASE)
    return archives.names(layer(folder, archives.write(folder / "upper.tar", upper), base))


def test_what_both_have_is_left_out(tmp_path: Path) -> None:
    assert between(tmp_path, BASE) == []


def test_what_is_new_is_kept(tmp_path: Path) -> None:
    assert between(tmp_path, BASE | {"./usr/sbin/nginx": "web"}) == ["./usr/sbin/nginx"]


def test_what_has_other_content_is_kept(tmp_path: Path) -> None:
    assert between(tmp_path, BASE | {"./usr/bin/nft": "new"}) == ["./usr/bin/nft"]


def test_what_has_other_rights_is_kept(tmp_path: Path) -> None:
    base = archives.write(tmp_path / "base.tar", BASE)
    upper = archives.write(tmp_path / "upper.tar", BASE, mode=0o755)

    assert archives.names(layer(tmp_path, upper, base)) == [name.rstrip("/") for name in BASE]


def test_another_time_is_no_difference(tmp_path: Path) -> None:
    base = archives.write(tmp_path / "base.tar", BASE)
    upper = archives.write(tmp_path / "upper.tar", BASE, mtime=1_700_000_000)

    assert archives.names(layer(tmp_path, upper, base)) == []


def test_without_a_lower_one_all_is_kept_and_the_times_are_not(tmp_path: Path) -> None:
    upper = archives.write(tmp_path / "upper.tar", BASE, mtime=1_700_000_000)

    with tarfile.open(layer(tmp_path, upper, None)) as made:
        assert {member.name: member.mtime for member in made} == dict.fromkeys(
            [name.rstrip("/") for name in BASE], 0
        )


@pytest.mark.parametrize("path", ["./var/log/dpkg.log", "./var/cache/ldconfig/aux", "./dev/null"])
def test_what_each_run_writes_anew_is_left_out(tmp_path: Path, path: str) -> None:
    assert between(tmp_path, BASE | {path: "today"}) == []


def test_the_folders_that_programs_log_to_are_kept(tmp_path: Path) -> None:
    assert between(tmp_path, BASE | {"./var/log/nginx/": ""}) == ["./var/log/nginx"]
