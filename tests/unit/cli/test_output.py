"""Output that cannot be written, and answers that are piped in."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import ClickException

from holdfast.cli import main
from holdfast.cli.confirm import confirm
from holdfast.cli.run import run
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import FakeApiServer
from tests.fake.kubeconfig import kubeconfig
from tests.unit.controller.given import a_volume, ref

COMMANDS = [["--help"], ["volumes"], ["volumes", "-o", "json"], ["exports", "-o", "json"]]


@pytest.fixture
def config(tmp_path: Path) -> Iterator[str]:
    """The kubeconfig of a cluster with many volumes: more than fits in a buffer."""
    with FakeApiServer() as server:
        for number in range(100):
            made = a_volume(ref(str(number)))
            made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
            server.objects.create(VOLUMES.path(), made)
        yield kubeconfig(server, tmp_path)


def typed(config: str, command: list[str], into: str) -> subprocess.CompletedProcess[str]:
    """The command in a shell that redirects its output."""
    line = [sys.executable, "-m", "holdfast", *command]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {into}', "sh", *line],
        env={"KUBECONFIG": config, "PYTHONPATH": ":".join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("into", "why"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_output_that_cannot_be_written_is_told_in_a_sentence(
    config: str, command: list[str], into: str, why: str
) -> None:
    done = typed(config, command, into)

    assert (done.returncode, done.stderr) == (1, f"Error: cannot write the output: {why}\n")


def test_what_writes_nothing_needs_no_output(config: str) -> None:
    """As `run`, whose logs go to standard error."""
    done = typed(config, ["volumes", "--no-such-option"], ">&-")

    assert done.returncode == 2
    assert "No such option" in done.stderr


def test_another_error_of_the_system_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(run, "callback", fail)

    with pytest.raises(PermissionError):
        main(["run", "--provisioner-name", "example.com/nfs"])


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_what_follows_a_piped_answer_has_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))

    with pytest.raises(ClickException):
        confirm("Remove it?")

    assert capsys.readouterr().err == "Remove it? [y/N]: \n"


def test_a_piped_yes_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))

    confirm("Remove it?")

    assert capsys.readouterr().err == "Remove it? [y/N]: \n"


def test_a_closed_input_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(ClickException, match="no terminal to ask for confirmation: add --yes"):
        confirm("Remove it?")
