"""The checks of tests/testinfra fail where what they look at is not as it should be."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.testinfra import looking
from tests.testinfra.promised import PROMISED
from tests.unit.roles.reading import HERE, ROLES, options

FORBIDDEN = "error: You must be logged in to the server (Unauthorized)"
CLOSED = "clnt_create: RPC: Port mapper failure - Unable to receive: errno 111\n"
OURS = "a" * 64


@dataclass
class Done:
    rc: int
    stdout: str = ""
    stderr: str = ""


class Machine:
    """Answers each command by its first word."""

    def __init__(self, **answers: Done) -> None:
        self.answers = answers

    def run(self, command: str, *_: str) -> Done:
        return self.answers[command.removeprefix("timeout 20 ").split()[0]]

    def check_output(self, command: str, *arguments: str) -> str:
        done = self.run(command, *arguments)
        assert done.rc == 0
        return done.stdout.strip()


def may(rc: int, stdout: str, stderr: str = "") -> bool:
    return looking.may(Machine(kubectl=Done(rc, stdout, stderr)), "someone", "get", "secrets")


def test_the_api_servers_answer_counts() -> None:
    assert may(0, "yes\n") is True
    assert may(1, "no\n", "Warning: resource is not namespace scoped\n") is False


@pytest.mark.parametrize(
    ("rc", "stdout"), [(1, ""), (127, ""), (0, ""), (0, "no\n"), (1, "yes\n"), (1, "no such\n")]
)
def test_a_kubectl_that_could_not_ask_is_no_no(rc: int, stdout: str) -> None:
    with pytest.raises(AssertionError):
        may(rc, stdout, FORBIDDEN)


def shown(done: Done, *, listed: bool) -> set[str]:
    return looking.shown_exports(Machine(showmount=done), listed=listed)


def test_the_list_of_exports_is_read() -> None:
    assert shown(Done(0, "/srv/a *\n/srv/b 10.0.0.0/8\n"), listed=True) == {"/srv/a", "/srv/b"}
    assert shown(Done(1, "", CLOSED), listed=False) == set()


@pytest.mark.parametrize("rc", [1, 124, 127])
def test_a_list_that_was_not_had_is_no_empty_list(rc: int) -> None:
    with pytest.raises(AssertionError):
        shown(Done(rc, "", CLOSED), listed=True)


@pytest.mark.parametrize(
    "done",
    [
        Done(0, "/srv/a *\n"),
        Done(0, ""),
        Done(124),  # of timeout: something let it wait
        Done(127, "", "showmount: command not found"),
        Done(1, "", "showmount: unknown option"),
    ],
)
def test_only_a_closed_port_is_silence(done: Done) -> None:
    with pytest.raises(AssertionError):
        shown(done, listed=False)


MOUNT_ERRORS = (
    "mount.nfs4: access denied by server while mounting 198.51.100.1:/srv",
    "mount.nfs: mounting a:/srv failed, reason given by server: No such file or directory",
    "mount.nfs4: Operation not permitted for 198.51.100.1:/srv on /mnt",
)


def mounted(rc: int, stderr: str = "") -> bool:
    machine = Machine(ip=Done(rc, "", stderr))
    return looking.may_mount(machine, "ip netns exec x", "198.51.100.1:/srv", "4.2")


@pytest.mark.parametrize("stderr", MOUNT_ERRORS)
def test_a_mount_that_the_server_refuses_is_told_from_one_that_works(stderr: str) -> None:
    assert mounted(0) is True
    assert mounted(32, f"{stderr}\n") is False


@pytest.mark.parametrize(
    ("rc", "stderr"),
    [
        (124, ""),  # of timeout
        (1, "Cannot open network namespace"),
        (32, "mount: /mnt: bad option; for several filesystems you might need a helper program."),
        (32, "mount.nfs4: Connection refused for 198.51.100.1:/srv on /mnt"),
        (32, "mount.nfs4: Protocol not supported for 198.51.100.1:/srv on /mnt"),
    ],
)
def test_a_mount_that_did_not_come_to_the_server_was_not_refused(rc: int, stderr: str) -> None:
    with pytest.raises(AssertionError):
        mounted(rc, stderr)


def tokens(rc: int, stdout: str = "", stderr: str = "") -> list[str]:
    return looking.tokens_in_journal(Machine(journalctl=Done(rc, stdout, stderr)))


def test_a_journal_with_a_token_is_told() -> None:
    line = "kubeadm[1]: using token: abcdef.0123456789abcdef\n"

    assert tokens(1) == tokens(0, "sha: ghijkl.0123456789abcdef\n") == []
    assert tokens(0, line) == [line.strip()]


@pytest.mark.parametrize(
    ("rc", "stderr"), [(1, "Compiled without pattern matching support\n"), (127, "")]
)
def test_a_journal_that_was_not_searched_is_not_one_without_a_token(rc: int, stderr: str) -> None:
    with pytest.raises(AssertionError):
        tokens(rc, "", stderr)


def checksum(answer: str, **wanted: Any) -> str:
    machine = Machine(uname=Done(0, "x86_64\n"), python3=Done(0, answer))
    return looking.published_checksum(machine, {**PROMISED, **wanted}, "kubelet")


def test_a_program_is_compared_with_what_the_release_server_says() -> None:
    assert checksum(f"{OURS}  kubelet\n") == OURS


def test_a_pinned_checksum_counts_more() -> None:
    pins = {"amd64": {"kubelet": OURS.upper()}}

    assert checksum("b" * 64, kubernetes_node_checksums=pins) == OURS


def test_an_error_page_is_no_checksum() -> None:
    with pytest.raises(AssertionError):
        checksum("<html>not found</html>")


@pytest.mark.parametrize("off", [-60.0, 60.0])
def test_a_clock_that_is_off_is_noticed_either_way(off: float) -> None:
    machine = Machine(date=Done(0, f"{time.time() + off:.9f}"))

    assert looking.clock_offset(machine) > 55


def test_a_clock_that_goes_well_is_not() -> None:
    assert looking.clock_offset(Machine(date=Done(0, f"{time.time():.9f}"))) < 1


def test_a_role_is_not_asked_whether_it_was_right() -> None:
    texts = [path.read_text() for path in (HERE / "tests/testinfra").glob("*.py")]

    assert not [text for text in texts if "defaults/main" in text or "argument_specs" in text]


def used() -> set[str]:
    """The variables of roles that the checks read."""
    known = {name for role in ROLES for name in options(role)}
    files = Path(HERE / "tests/testinfra").glob("test_*.py")
    return {name for path in files for name in re.findall(r'"(\w+)"', path.read_text())} & known


def test_what_the_checks_read_is_promised_where_the_inventory_says_nothing() -> None:
    assert used()
    assert used() - set(PROMISED) == set()


def test_what_is_promised_is_what_a_role_has_a_variable_for() -> None:
    known = {name for role in ROLES for name in options(role)}

    assert set(PROMISED) - known == set()
