"""A program with its timer: installed whole, started, and removed without what others have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.systemd.timer import Timed, quoted
from ansible_collections.holdfast.nfs.plugins.modules import timed_program

from tests.unit.roles.reading import HERE
from tests.unit.roles.running import Programs

NAME = "holdfast-etcd-snapshot"
GIVEN: dict[str, Any] = {
    "name": NAME,
    "program": "take_snapshot",
    "description": "Take a snapshot of etcd",
    "arguments": ["--directory=/var/backups/etcd", "--keep=7"],
    "calendar": "*-*-* 03:15:00",
}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A machine whose timer is not active yet."""
    monkeypatch.setattr(timed_program, "UNITS", tmp_path / "units")
    monkeypatch.setattr(timed_program, "FOLDER", tmp_path / "lib/holdfast_machine")
    made = Programs(monkeypatch)
    made.answers["systemctl is-active"] = (3, "inactive", "")
    return made


def install(programs: Programs, **more: Any) -> dict[str, Any]:
    programs.ran.clear()
    return programs.result(timed_program.main, **{**GIVEN, **more})


def active(programs: Programs) -> None:
    programs.answers["systemctl is-active"] = (0, "active", "")


def test_units_and_programs_are_written_and_the_timer_started(
    programs: Programs, tmp_path: Path
) -> None:
    assert install(programs)["changed"] is True

    assert (tmp_path / f"units/{NAME}.service").stat().st_mode & 0o777 == 0o644
    assert "OnCalendar=*-*-* 03:15:00\n" in (tmp_path / f"units/{NAME}.timer").read_text()
    assert programs.ran[-3:] == [
        "systemctl daemon-reload",
        f"systemctl enable {NAME}.timer",
        f"systemctl restart {NAME}.timer",
    ]


def test_a_second_run_changes_nothing(programs: Programs) -> None:
    install(programs)
    active(programs)

    assert install(programs)["changed"] is False
    assert not any("restart" in line for line in programs.ran)


def test_a_timer_that_somebody_stopped_is_started_again(programs: Programs) -> None:
    install(programs)

    assert install(programs)["changed"] is True
    assert programs.ran[-1] == f"systemctl restart {NAME}.timer"


def test_units_that_systemd_has_not_read_are_made_good(programs: Programs) -> None:
    """A run was cut between writing them and the reload."""
    install(programs)
    active(programs)
    programs.answers["systemctl show"] = (0, "NeedDaemonReload=yes\n\nNeedDaemonReload=no\n", "")

    assert install(programs)["changed"] is True
    assert "systemctl daemon-reload" in programs.ran


def test_a_check_writes_nothing(programs: Programs, tmp_path: Path) -> None:
    assert install(programs, check=True)["changed"] is True
    assert [*tmp_path.iterdir()] == []
    assert not any(line.startswith("systemctl enable") for line in programs.ran)


def test_a_program_that_was_changed_is_written_without_a_restart_of_the_timer(
    programs: Programs, tmp_path: Path
) -> None:
    install(programs)
    active(programs)
    (tmp_path / "lib/holdfast_machine/care/etcd.py").write_text("broken")

    assert install(programs)["changed"] is True
    assert not any("restart" in line for line in programs.ran)
    assert install(programs)["changed"] is False


def test_a_calendar_that_systemd_does_not_read_is_refused_before_anything_is_written(
    programs: Programs, tmp_path: Path
) -> None:
    programs.answers["systemd-analyze calendar"] = (1, "", "Failed to parse: each day\n")

    said = install(programs, calendar="each day")["msg"]

    assert said.startswith('"each day" is no time for a timer; write it as in systemd.time(7)')
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_unit_that_somebody_else_wrote_is_left_as_it_is(
    programs: Programs, tmp_path: Path, state: str
) -> None:
    unit = tmp_path / f"units/{NAME}.service"
    unit.parent.mkdir()
    unit.write_text("[Service]\n")

    assert "was not written by these roles" in install(programs, state=state)["msg"]
    assert unit.read_text() == "[Service]\n"


def test_units_are_removed_and_the_programs_with_the_last(
    programs: Programs, tmp_path: Path
) -> None:
    other = {"name": "holdfast-certificates", "program": "renew_certificates"}
    install(programs)
    install(programs, **other)

    assert install(programs, state="absent")["changed"] is True
    assert f"systemctl disable --now {NAME}.timer" in programs.ran
    assert (tmp_path / "lib/holdfast_machine").is_dir()
    install(programs, **other, state="absent")
    assert [*(tmp_path / "units").iterdir()] == []
    assert not (tmp_path / "lib/holdfast_machine").exists()
    assert install(programs, state="absent")["changed"] is False


def test_a_check_removes_nothing(programs: Programs, tmp_path: Path) -> None:
    install(programs)

    assert install(programs, state="absent", check=True)["changed"] is True
    assert len([*(tmp_path / "units").iterdir()]) == 2


def test_a_timer_that_does_not_start_is_told(programs: Programs) -> None:
    programs.answers["systemctl enable"] = (1, "", "Unit is masked.\n")

    assert install(programs)["msg"] == f"systemctl enable {NAME}.timer failed: Unit is masked."


@pytest.mark.parametrize("program", ["take_snapshot", "renew_certificates"])
def test_an_installed_program_runs_with_nothing_but_python(
    programs: Programs, tmp_path: Path, program: str
) -> None:
    """Far from the collection, and without the packages of the tests."""
    result = install(programs, program=program)

    done = subprocess.run(
        [sys.executable, "-s", "-S", *result["command"][1:3], "--help"],
        cwd=tmp_path / "lib",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_a_part_of_an_installed_program_is_found_from_there(
    programs: Programs, tmp_path: Path
) -> None:
    """The copy is another process of it."""
    install(programs)
    command = [sys.executable, "-m", "holdfast_machine.care.copy_snapshot"]

    done = subprocess.run(
        command, cwd=tmp_path / "lib", capture_output=True, text=True, check=False
    )

    assert "ValueError: not enough values to unpack" in done.stderr


def test_every_file_of_the_package_that_a_program_needs_is_installed() -> None:
    """Those of a restore and its image are for Ansible's run alone."""
    there = {path.name for path in (HERE / "plugins/module_utils/care").glob("*.py")}
    installed = {Path(str(part.__file__)).name for part in timed_program.PARTS["care"]}

    of_a_restore = {"data_directory.py", "image_program.py", "make_data.py", "restore.py"}
    assert there - installed == of_a_restore


def test_the_service_ends_after_a_while_and_what_it_mounts_with_it() -> None:
    service = Timed("a", "b", "take_snapshot", [], "daily", 900).service()

    assert "TimeoutStartSec=900\n" in service
    assert "PrivateMounts=yes\n" in service
    assert "UMask=0077\n" in service


def test_a_program_may_be_held_to_folders_of_its_own() -> None:
    def service(*writes: str) -> str:
        return Timed("a", "b", "take_snapshot", [], "daily", 900, writes).service()

    assert "ProtectSystem" not in service()
    lines = service("/var/backups/etcd", "/a 1%$").splitlines()
    assert "ProtectSystem=strict" in lines
    assert 'ReadWritePaths=-/run -/var/backups/etcd "-/a 1%%$"' in lines


def test_a_folder_in_which_a_program_may_write_is_made_for_root(
    programs: Programs, tmp_path: Path
) -> None:
    folder = tmp_path / "backups/etcd"
    install(programs, writes=[str(folder)])
    active(programs)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert install(programs, writes=[str(folder)])["changed"] is False


@pytest.mark.parametrize(
    ("word", "there"),
    [
        ("--keep=7", "--keep=7"),
        ("/a b", '"/a b"'),
        ("100%", '"100%%"'),
        ("$HOME", '"$$HOME"'),
        ('say "x"', '"say \\"x\\""'),
        ("a\\b", '"a\\\\b"'),
        ("", '""'),
    ],
)
def test_systemd_reads_a_word_back_as_it_was(word: str, there: str) -> None:
    assert quoted(word) == there
