"""A unit is restarted if it runs with other files than there are, whichever run wrote them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import unit_current

from tests.unit.roles.running import Programs

SHOW = "systemctl show --timestamp=us+utc --property="
RELOAD = "systemctl daemon-reload"
RESTART = "systemctl restart containerd"
ENABLE = "systemctl enable containerd"
START = "systemctl start containerd"


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Written a moment ago."""
    path = tmp_path / "config.toml"
    path.write_text("version = 2\n")
    return path


def unit(
    *,
    ago: float,
    recorded: float | None = None,
    state: str = "active",
    reload: str = "no",
    file_state: str = "enabled",
) -> tuple[int, str, str]:
    """What systemd says of a unit that started so many seconds ago.

    Args:
        ago: counted by the machine's start
        recorded: counted by the clock, where that is something else
        state: of the unit
        reload: whether systemd has to read its files
        file_state: whether it is enabled
    """
    wall = time.time() - (ago if recorded is None else recorded)
    shown = datetime.fromtimestamp(wall, UTC).strftime("%a %Y-%m-%d %H:%M:%S.%f UTC")
    counted = int((time.clock_gettime(time.CLOCK_MONOTONIC) - ago) * 1e6)
    text = (
        f"ActiveState={state}\nFragmentPath=/lib/systemd/system/containerd.service\n"
        f"NeedDaemonReload={reload}\nUnitFileState={file_state}\nExecMainStartTimestamp={shown}\n"
        f"ExecMainStartTimestampMonotonic={counted}\n"
    )
    return 0, text, ""


def changes(programs: Programs, *files: Path, check: bool = False, **params: object) -> list[str]:
    """What was called beside the look; it agrees with whether the module says that it changed."""
    programs.ran.clear()
    result = programs.result(
        unit_current.main, check=check, name="containerd", files=[*map(str, files)], **params
    )
    called = [line for line in programs.ran if not line.startswith(SHOW)]
    assert check or result["changed"] is bool(called)
    return called


def test_a_file_that_an_earlier_run_wrote_restarts_the_unit(programs: Programs, file: Path) -> None:
    programs.answers[SHOW] = unit(ago=60)

    assert changes(programs, file) == [RELOAD, RESTART]


def test_a_unit_that_started_after_its_files_were_written_is_left_alone(
    programs: Programs, file: Path
) -> None:
    programs.answers[SHOW] = unit(ago=-0.1)

    assert changes(programs, file) == []


def test_a_file_with_the_time_of_another_does_not_hide(programs: Programs, file: Path) -> None:
    os.utime(file, (0, 0))
    programs.answers[SHOW] = unit(ago=60)

    assert changes(programs, file) == [RELOAD, RESTART]


def test_a_link_that_leads_elsewhere_counts(programs: Programs, file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to("/bin/sh")
    programs.answers[SHOW] = unit(ago=60)

    assert changes(programs, link) == [RELOAD, RESTART]


def test_a_unit_that_does_not_run_is_not_started(programs: Programs, file: Path) -> None:
    programs.answers[SHOW] = unit(ago=60, state="inactive")

    assert changes(programs, file, outdated=True) == []


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_a_unit_that_does_not_run_is_started_and_enabled_on_request(
    programs: Programs, file: Path, state: str
) -> None:
    programs.answers[SHOW] = unit(ago=60, state=state, file_state="disabled")
    assert changes(programs, file, started=True) == [ENABLE, START]

    programs.answers[SHOW] = unit(ago=60, state=state, reload="yes")
    assert changes(programs, file, started=True) == [RELOAD, START]


def test_a_unit_that_runs_is_enabled_on_request(programs: Programs, file: Path) -> None:
    programs.answers[SHOW] = unit(ago=60, file_state="disabled")
    assert changes(programs, file, started=True) == [RELOAD, RESTART, ENABLE]

    programs.answers[SHOW] = unit(ago=-0.1, file_state="enabled-runtime")
    assert changes(programs, file, started=True) == [ENABLE]


@pytest.mark.parametrize("file_state", ["enabled", "static", "generated"])
def test_a_unit_that_runs_and_starts_at_boot_is_left_alone(
    programs: Programs, file: Path, file_state: str
) -> None:
    programs.answers[SHOW] = unit(ago=-0.1, file_state=file_state)

    assert changes(programs, file, started=True) == []


def test_a_check_says_that_a_unit_would_be_started(programs: Programs) -> None:
    programs.answers[SHOW] = unit(ago=60, state="inactive", file_state="")

    told = programs.result(unit_current.main, check=True, name="containerd", started=True)

    assert told["changed"]
    assert all(line.startswith(SHOW) for line in programs.ran)


def test_a_unit_that_is_started_again_and_again_is_restarted(
    programs: Programs, file: Path
) -> None:
    programs.answers[SHOW] = unit(ago=60, state="activating")

    assert changes(programs, file) == [RELOAD, RESTART]


def test_a_unit_that_systemd_has_not_read_is_read_and_restarted(programs: Programs) -> None:
    programs.answers[SHOW] = unit(ago=60, reload="yes")

    assert changes(programs) == [RELOAD, RESTART]


def test_a_new_unit_is_only_read(programs: Programs, file: Path) -> None:
    text = (
        "ActiveState=inactive\nFragmentPath=\nNeedDaemonReload=no\n"
        "ExecMainStartTimestamp=\nExecMainStartTimestampMonotonic=0\n"
    )
    programs.answers[SHOW] = (0, text, "")

    assert changes(programs, file) == [RELOAD]
    assert changes(programs, file.with_name("missing")) == []


def test_a_check_says_what_would_be_restarted_and_does_not(programs: Programs, file: Path) -> None:
    programs.answers[SHOW] = unit(ago=60)
    result = programs.result(unit_current.main, check=True, name="containerd", files=[str(file)])

    assert result["changed"] is True
    assert result["reasons"] == [f"{file} is newer"]
    assert [line for line in programs.ran if not line.startswith(SHOW)] == []


def test_a_check_that_would_change_a_file_says_so_too(programs: Programs) -> None:
    programs.answers[SHOW] = unit(ago=60)
    result = programs.result(unit_current.main, check=True, name="containerd", outdated=True)

    assert result["changed"] is True


def test_without_a_restart_systemd_only_reads(programs: Programs, file: Path) -> None:
    programs.answers[SHOW] = unit(ago=60, reload="yes")

    assert changes(programs, file, restart=False) == [RELOAD]


def test_a_mount_is_read_where_fstab_was_not(programs: Programs, file: Path) -> None:
    shown = "ActiveState=active\nFragmentPath={}\nNeedDaemonReload=no\n"
    programs.answers[SHOW] = (0, shown.format(""), "")
    assert changes(programs, file, restart=False) == [RELOAD]

    programs.answers[SHOW] = (0, shown.format("/run/systemd/generator/srv-nfs.mount"), "")
    assert changes(programs, file, restart=False) == []
    assert changes(programs, file) == []


@pytest.mark.parametrize(
    ("ago", "recorded"),
    [(60.0, -3600.0), (-60.0, 3600.0)],
    ids=["set back since the start", "set forward since the file was written"],
)
def test_a_clock_that_was_set_hides_nothing(
    programs: Programs, file: Path, ago: float, recorded: float
) -> None:
    programs.answers[SHOW] = unit(ago=ago, recorded=recorded)

    assert changes(programs, file) == [RELOAD, RESTART]


def test_a_clock_that_was_set_back_by_little_restarts_nothing(
    programs: Programs, file: Path
) -> None:
    programs.answers[SHOW] = unit(ago=1.0, recorded=-0.1)

    assert changes(programs, file) == []


def test_a_file_from_a_time_to_come_restarts_the_unit_once(
    programs: Programs, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past, before = time.time() - 3600, file.stat()
    programs.answers[SHOW] = unit(ago=60)
    monkeypatch.setattr(time, "time", lambda: past)  # the clock was set back

    assert changes(programs, file) == [RELOAD, RESTART]
    # From now on it is older than the process.
    assert file.stat().st_ctime_ns > before.st_ctime_ns
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_a_unit_that_does_not_start_says_where_to_look(programs: Programs, file: Path) -> None:
    programs.answers |= {SHOW: unit(ago=60), RESTART: (1, "", "Job failed.\n")}
    result = programs.result(unit_current.main, name="containerd", files=[str(file)])

    assert result["failed"] is True
    assert "Job failed. See journalctl --unit containerd" in result["msg"]
