"""`make image`: an archive with what is there, and what to do with it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import build_image
from testbed.build_image import (
    BUILDERS,
    CertificateError,
    NoBuilderError,
    advice,
    commands,
    find_builder,
)
from testbed.names import CHECKOUT

NAME = "reg.example:5000/x/holdfast:1"
ARCHIVE = Path("/build/holdfast.tar")
PROGRAM = """#!/bin/sh
echo "$0 $*" >> {folder}/calls
[ -e {folder}/broken ] && exit 3
for word; do case $word in *.tar*) touch {archive};; esac; done
exit 0
"""


@pytest.mark.parametrize("there", [["docker"], ["podman", "docker"], ["buildah", "docker"]])
def test_the_first_program_that_is_there_is_taken(there: list[str]) -> None:
    assert find_builder(lambda name: name if name in there else None) == there[0]


def test_without_any_one_sentence_says_what_to_install() -> None:
    with pytest.raises(NoBuilderError, match="Building the image needs one of buildah"):
        find_builder(lambda _: None)


@pytest.mark.parametrize("builder", BUILDERS)
def test_each_builds_the_checkout_with_the_mirrors_that_are_given(builder: str) -> None:
    built, saved = commands(builder, NAME, ARCHIVE, {"BASE": "b", "APT_SOURCES": "", "HOME": "/"})

    assert built[:2] == [builder, "build"]
    assert built[-1] == str(CHECKOUT)
    assert f"--file={CHECKOUT / 'provisioner/Containerfile'}" in built
    assert [word for word in built if word.startswith("--build-arg")] == ["--build-arg=BASE=b"]
    assert f"--tag={NAME}" in built
    assert NAME in " ".join(saved)
    assert str(ARCHIVE) in " ".join(saved)


def test_the_build_arguments_are_those_of_the_containerfile() -> None:
    text = (CHECKOUT / "provisioner/Containerfile").read_text()
    mirrors = {*re.findall(r"^ARG (\w+)", text, re.MULTILINE)} - {"PYTHON"}

    assert {*build_image.ARGUMENTS, "PIP_CERT"} == mirrors


@pytest.mark.parametrize("builder", ["buildah", "podman"])
def test_a_certificate_that_pip_trusts_is_there_while_it_is_built(
    builder: str, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").touch()
    built, saved = commands(builder, NAME, ARCHIVE, {"PIP_CERT": str(tmp_path / "ca.crt")})

    assert "--build-arg=PIP_CERT=/run/pip.crt" in built
    assert f"--volume={tmp_path}/ca.crt:/run/pip.crt:ro" in built
    assert str(tmp_path) not in " ".join(saved)


@pytest.mark.parametrize(
    ("builder", "file", "sentence"),
    [("docker", "ca.crt", "docker build cannot"), ("podman", "none.crt", "is no file here")],
)
def test_a_certificate_that_cannot_be_given_is_refused(
    builder: str, file: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").touch()

    with pytest.raises(CertificateError, match=sentence):
        commands(builder, NAME, ARCHIVE, {"PIP_CERT": str(tmp_path / file)})


def test_that_is_said_in_a_sentence_before_anything_is_built(
    podman: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_CERT", str(podman / "none.crt"))

    assert build_image.main([f"--archive={podman / 'out/image.tar'}"]) == 1
    assert capsys.readouterr().err.startswith("PIP_CERT is ")
    assert not (podman / "calls").exists()


@pytest.mark.parametrize(
    "name",
    ["holdfast", "registry.example.com:5000/holdfast", "x/holdfast:", ":1", "x/holdfast@sha256:0a"],
)
def test_a_name_without_a_tag_is_refused(
    name: str, podman: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build_image.main([f"--name={name}", f"--archive={podman / 'out/image.tar'}"])

    assert f"{name} has no tag; write it as NAME:TAG" in capsys.readouterr().err


def test_the_two_commands_load_it_and_name_it_to_the_chart() -> None:
    said = advice(NAME, ARCHIVE)

    assert "\n  sudo ctr --namespace k8s.io images import holdfast.tar && sudo" in said
    assert f" images label {NAME} io.cri-containerd.pinned=pinned\n" in said
    assert "--set image.repository=reg.example:5000/x/holdfast --set image.tag=1" in said


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a podman that notes what it is called with."""
    program, archive = tmp_path / "podman", tmp_path / "out/image.tar"
    program.write_text(PROGRAM.format(folder=tmp_path, archive=archive))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(build_image, "find_builder", lambda: "podman")
    return tmp_path


def test_it_is_built_and_written_in_place_of_a_former_one(
    podman: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (podman / "out").mkdir()
    (podman / "out/image.tar").write_text("former")

    assert build_image.main([f"--archive={podman / 'out/image.tar'}", f"--name={NAME}"]) == 0
    assert [line.split()[1] for line in (podman / "calls").read_text().splitlines()] == [
        "build",
        "save",
    ]
    assert (podman / "out/image.tar").read_text() == ""
    assert capsys.readouterr().out.startswith(f"{podman / 'out/image.tar'} has the image {NAME}.")


def test_a_build_that_fails_ends_with_its_code_and_leaves_nothing(
    podman: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (podman / "broken").touch()

    assert build_image.main([f"--archive={podman / 'out/image.tar'}"]) == 3
    assert capsys.readouterr().err == "podman build failed; see above.\n"
    assert not (podman / "out/image.tar").exists()


def test_it_needs_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; sys.path.insert(0, '.'); import testbed.build_image as it; it.main(['-h'])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "--archive" in done.stdout
