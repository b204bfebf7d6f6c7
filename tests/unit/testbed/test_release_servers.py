"""Programs from release servers are used only when their checksums agree."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed.errors import ProgramError
from testbed.programs import find_programs
from tests.unit.testbed.releases import (
    ARCHIVE,
    FOLDER,
    KUBERNETES,
    Mirror,
    entries,
    fill_etcd,
    fill_kubernetes,
)


@pytest.fixture
def release(bare_machine: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """A machine with nothing but a server in the layout of the Kubernetes downloads."""
    assert not list(bare_machine.iterdir())
    monkeypatch.setenv("HOLDFAST_RELEASE_URL", mirror.url)
    fill_kubernetes(mirror)
    return mirror


@pytest.fixture
def etcd_release(release: Mirror, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """The same server holds etcd's releases too."""
    monkeypatch.setenv("HOLDFAST_ETCD_URL", release.url + "/")
    fill_etcd(release)
    return release


@pytest.mark.usefixtures("release")
def test_programs_are_fetched_into_the_cache_and_executable() -> None:
    programs = find_programs()

    assert programs.kubectl.read_bytes() == b"program kubectl"
    assert programs.etcd.read_bytes() == b"program etcd"
    assert programs.apiserver.stat().st_mode & 0o777 == 0o755
    assert entries() == {".lock", "etcd", *KUBERNETES}


@pytest.mark.parametrize(("algorithm", "tail"), [("sha512", ""), ("sha512", "  kubectl\n")])
def test_the_other_form_of_checksum_is_as_good(release: Mirror, algorithm: str, tail: str) -> None:
    release.files.clear()
    fill_kubernetes(release, algorithm, tail)

    assert find_programs().kubectl.read_bytes() == b"program kubectl"


@pytest.mark.usefixtures("etcd_release")
def test_etcd_comes_from_its_own_releases_when_they_are_named() -> None:
    assert find_programs().etcd.read_bytes() == b"program from etcd's archive"
    assert entries() == {".lock", "etcd", *KUBERNETES}


def test_etcd_is_built_when_the_server_does_not_have_it(
    release: Mirror, bare_machine: Path
) -> None:
    for name in ("etcd", "etcd.sha256"):
        del release.files[f"{FOLDER}/{name}"]
    go = bare_machine / "go"
    go.write_text('#!/bin/sh\n[ $1 = env ] && echo go1.26.0 && exit\necho built > "$6"\n')
    go.chmod(0o755)
    lines: list[str] = []

    assert find_programs(lines.append).etcd.read_text() == "built\n"

    assert any("HOLDFAST_ETCD_URL" in line for line in lines)


def change(path: str, content: bytes) -> Callable[[Mirror], None]:
    return lambda mirror: mirror.files.update({path: content})


def remove(path: str) -> Callable[[Mirror], None]:
    def remove_from(mirror: Mirror) -> None:
        del mirror.files[path]

    return remove_from


@pytest.mark.parametrize(
    ("breaking", "sentence"),
    [
        (
            change(f"{FOLDER}/kube-apiserver", b"other"),
            "/kube-apiserver has the sha256 .*says.*HOLDFAST_RELEASE_URL",
        ),
        (change(f"{FOLDER}/kubectl.sha256", b""), "/kubectl has the sha256 .*says nothing"),
        (remove(f"{FOLDER}/kubectl"), "/kubectl answers HTTP 404; .* HOLDFAST_RELEASE_URL"),
        (remove(f"{FOLDER}/kubectl.sha256"), r"/kubectl\.sha512 answers HTTP 404"),
        (change(ARCHIVE, b"other"), r"\.tar\.gz has the sha256 "),
        (remove(ARCHIVE), r"\.tar\.gz answers HTTP 404; .* HOLDFAST_ETCD_URL"),
        (remove("v3.6.8/SHA256SUMS"), "SHA256SUMS answers HTTP 404; .* HOLDFAST_ETCD_URL"),
        (change("v3.6.8/SHA256SUMS", b"0 other"), "SHA256SUMS has no line for etcd-"),
        (lambda mirror: fill_etcd(mirror, "elsewhere/etcd"), "right checksum and no program"),
    ],
)
def test_what_is_wrong_or_missing_is_named_and_nothing_of_it_stays(
    etcd_release: Mirror, breaking: Callable[[Mirror], None], sentence: str
) -> None:
    breaking(etcd_release)

    with pytest.raises(ProgramError, match=f"{etcd_release.url}/.*{sentence}") as caught:
        find_programs()

    assert "\n" not in str(caught.value)
    whole = {".lock", "etcd", *KUBERNETES}
    assert entries() < whole


def test_after_the_server_was_corrected_the_next_run_goes_on(release: Mirror) -> None:
    good = release.files.pop(f"{FOLDER}/kubectl")
    with pytest.raises(ProgramError):
        find_programs()
    release.files[f"{FOLDER}/kubectl"] = good

    assert find_programs().kubectl.read_bytes() == good


@pytest.mark.usefixtures("bare_machine")
def test_a_server_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        address = f"http://127.0.0.1:{once.getsockname()[1]}"
    monkeypatch.setenv("HOLDFAST_RELEASE_URL", address)

    with pytest.raises(ProgramError, match=f"{address}/v1.36.3/.* cannot be fetched .*refused"):
        find_programs()


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize("url", ["file:///etc", "mirror.example", "http://[broken"])
def test_an_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HOLDFAST_RELEASE_URL", url)

    with pytest.raises(ProgramError, match="HOLDFAST_RELEASE_URL"):
        find_programs()
