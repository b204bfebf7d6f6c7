"""What a person is shown, and told when a command fails."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from testbed.errors import LabError
from testbed.lab.commands import run
from testbed.lab.lab import UmlLab as Lab
from testbed.lab.layout import Layout
from testbed.lab.services import registry_configuration
from testbed.lab.status import Row, table

UP = Row("nfs", "192.168.41.10", "trixie", 1024, pid=7, uptime=12.0, reached=True)
STARTING = Row("control", "192.168.41.11", "trixie", 3072, pid=8, uptime=1.0, reached=False)
OFF = Row("worker1", "192.168.41.21", "trixie", 2560, pid=None, uptime=0.0, reached=False)


def test_a_machine_is_up_when_it_can_be_reached() -> None:
    assert [row.state for row in (UP, STARTING, OFF)] == ["up", "starting", "off"]


def test_the_table_has_a_line_for_each_machine() -> None:
    output = io.StringIO()
    Console(file=output, width=120).print(table(Layout("mine"), [UP, OFF]))

    lines = [line.replace("│", " ").split() for line in output.getvalue().splitlines()]
    assert ["nfs", "192.168.41.10", "trixie", "up", "7", "1024", "MiB", "12", "s", "yes"] in lines
    assert [
        "worker1",
        "192.168.41.21",
        "trixie",
        "off",
        "-",
        "2560",
        "MiB",
        "0",
        "s",
        "no",
    ] in lines


def test_a_lab_that_is_not_there_has_no_machines() -> None:
    lab = Lab(Layout("never-made"))

    assert lab.guests() == []
    with pytest.raises(
        LabError, match=r"'never-made' has no machine 'nfs'; make it with .* up nfs"
    ):
        lab.guest("nfs")


def test_a_failed_command_is_told_with_its_last_words() -> None:
    with pytest.raises(LabError, match=r"(?s)sh -c .* failed with status 3:\nthe reason"):
        run(["sh", "-c", "echo the reason >&2; exit 3"])


def test_a_command_that_does_not_end_is_ended() -> None:
    with pytest.raises(LabError, match="sleep had not ended after 0 s"):
        run(["sleep", "60"], deadline=0.1)


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(LabError, match="the program no-such-program is not on this machine"):
        run(["no-such-program"])


def test_the_registry_is_reached_in_the_labs_network_only() -> None:
    configuration = json.loads(registry_configuration(Path("/images")))

    assert configuration["http"]["addr"] == "192.168.41.1:5000"
    assert configuration["storage"]["filesystem"]["rootdirectory"] == "/images"
