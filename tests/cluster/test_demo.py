"""`make demo` shows what it says, and can tell when it is not so; nothing of it is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from testbed.demo.differences import not_as_asked, not_bound, not_holding, not_in
from testbed.demo.rows import Row
from testbed.demo.story import STORY
from testbed.demo.workloads import HTTPD, MYAPP, REDIS
from testbed.programs import Programs
from tests.support import eventually

REPOSITORY = Path(__file__).parents[2]
END = 150.0  # seconds in which a demo ends, on a machine that does other things as well
ALL_SEEN = f"All {len(STORY)} steps were seen"

pytestmark = pytest.mark.timeout(300)


class Demo:
    """One run in a process of its own, and what it has written so far."""

    def __init__(self, folder: Path, programs: Path | None = None) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self._environment = os.environ | {
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(REPOSITORY),
            "TERM": "xterm-256color",
            "COLUMNS": "80",
        }
        if programs is not None:
            self._environment["KUBEBUILDER_ASSETS"] = str(programs)
        self._written = b""

    @contextmanager
    def running(self, *options: str, on_terminal: bool = False) -> Iterator[None]:
        """A run; killed at the end of the block, should it not have ended by itself."""
        self._reader, writer = os.openpty() if on_terminal else os.pipe()
        os.set_blocking(self._reader, False)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "testbed.demo", *options],
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            cwd=self.folder,
            env=self._environment,
            start_new_session=True,
        )
        os.close(writer)
        try:
            yield
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._reader)

    def text(self) -> str:
        with suppress(OSError):  # there is nothing now, or a terminal's other end is closed
            while chunk := os.read(self._reader, 65536):
                self._written += chunk
        return self._written.decode()

    def await_text(self, text: str) -> None:
        eventually(lambda: text in self.text() or self._has_ended(), END, f"it says {text!r}")
        assert text in self.text()

    def await_end(self) -> int:
        eventually(self._has_ended, END, "the demo ends")
        return self._process.returncode

    def press_ctrl_c(self) -> None:
        """What a terminal does then: the signal goes to the whole group."""
        os.killpg(self._process.pid, signal.SIGINT)

    def terminate(self) -> None:
        self._process.terminate()

    def left(self) -> list[str]:
        """Files, and processes whose environment or command line names the demo's folder."""
        files = [str(path) for path in self.temporary.iterdir()]
        return files + [
            str(process)
            for process in Path("/proc").glob("[0-9]*")
            if any(
                bytes(self.temporary) in _read(process / name) for name in ("environ", "cmdline")
            )
        ]

    def _has_ended(self) -> bool:
        ended = self._process.poll() is not None
        self.text()  # a pipe that nobody reads would hold it up
        return ended


def _read(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""


@pytest.fixture
def demo(programs: Programs, tmp_path: Path) -> Demo:
    assert programs.etcd.exists()
    return Demo(tmp_path)


@dataclass(frozen=True)
class Finished:
    """A run that ended by itself."""

    code: int
    text: str
    left: list[str]
    picture: str


@pytest.fixture(scope="module")
def finished(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run for all tests of what it writes where there is no terminal."""
    assert programs.etcd.exists()
    demo = Demo(tmp_path_factory.mktemp("demo"))
    with demo.running("--picture", "demo.svg"):
        code, text = demo.await_end(), demo.text()
    return Finished(code, text, demo.left(), (demo.folder / "demo.svg").read_text())


def spoiling_programs(programs: Programs, folder: Path) -> Path:
    """Programs among which one turns the export into a plain file before the provisioner starts."""
    folder.mkdir()
    for program in (programs.etcd, programs.apiserver, programs.kubectl):
        (folder / program.name).symlink_to(program)
    spoiler = folder / programs.controller_manager.name
    spoiler.write_text(
        f'#!/bin/sh\nrmdir ../export; touch ../export\nexec {programs.controller_manager} "$@"\n'
    )
    spoiler.chmod(0o755)
    return folder


def test_all_steps_are_seen_in_their_order_and_nothing_is_left(finished: Finished) -> None:
    seen = re.findall(r"^✓ \S+ +(.*?) +[\d.]+ s$", finished.text, re.MULTILINE)

    assert seen == [step.fact for step in STORY]
    assert ALL_SEEN in finished.text
    assert finished.code == 0
    assert finished.left == []


def test_where_there_is_no_terminal_there_are_no_control_codes(finished: Finished) -> None:
    assert "\x1b" not in finished.text
    assert "\r" not in finished.text


@pytest.mark.parametrize("claim", [*HTTPD.claims, *REDIS.claims, *MYAPP.claims, "default/reports"])
def test_each_claim_is_shown_with_its_volume_and_its_directory(
    finished: Finished, claim: str
) -> None:
    directory = rf"{claim.replace('/', '-')}-\1 \(0777\)"
    line = rf"^  {claim} is Bound, volume (pvc-\S+), directory {directory}$"

    assert re.search(line, finished.text, re.MULTILINE)


def test_it_shows_what_becomes_of_deleted_claims(finished: Finished) -> None:
    for claim in HTTPD.claims:
        assert f"{claim} is Released, volume pvc-" in finished.text
    assert "default/reports is gone, directory archived-default-reports-pvc-" in finished.text
    assert "default/scratch is gone, directory removed" in finished.text


def test_it_ends_with_the_table_of_the_volumes_that_were_retained(finished: Finished) -> None:
    table = finished.text.partition("$ holdfast volumes")[2]

    rows = re.findall(r"^(\S+) +xgp-lll-test-\S+ +100Mi +retain +Released", table, re.MULTILINE)

    assert rows == list(HTTPD.claims)


def test_the_picture_is_whole_and_loads_nothing(finished: Finished) -> None:
    words = "".join(ET.fromstring(finished.picture).itertext()).replace("\xa0", " ")

    assert all(step.fact in words for step in STORY)
    assert ALL_SEEN in words
    assert "url(http" not in finished.picture


def test_on_a_terminal_it_moves_and_stays_to_be_looked_at_until_ctrl_c(
    demo: Demo, programs: Programs
) -> None:
    with demo.running("--keep", on_terminal=True):
        demo.await_text("ls -l ")
        found = re.search(r"export KUBECONFIG=(\S+)", demo.text())
        assert found is not None
        claims = subprocess.run(
            [programs.kubectl, "get", "pvc", "--all-namespaces", "--output=name"],
            env={"KUBECONFIG": found[1], "HOME": str(demo.folder)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        demo.press_ctrl_c()
        code = demo.await_end()

    assert len(claims.stdout.split()) == len(REDIS.claims) + len(MYAPP.claims) + 1
    assert ALL_SEEN in demo._written.decode()
    assert b"\x1b[2K" in demo._written, "lines are overwritten"
    assert code == 0
    assert demo.left() == []


@pytest.mark.parametrize(
    "after", ["", "✓ cluster", "✓ redis"], ids=["early", "with a cluster", "with claims"]
)
def test_ctrl_c_ends_everything_with_130_at_any_time(demo: Demo, after: str) -> None:
    with demo.running():
        eventually(lambda: any(demo.temporary.iterdir()), END, "the demo has begun")
        demo.await_text(after)
        demo.press_ctrl_c()
        code = demo.await_end()

    assert code == 130
    assert demo.left() == []


def test_a_terminated_demo_ends_everything_too(demo: Demo) -> None:
    with demo.running():
        demo.await_text("✓ httpd")
        demo.terminate()
        code = demo.await_end()

    assert code == 128 + signal.SIGTERM
    assert demo.left() == []


def test_what_was_not_seen_is_said_with_its_reason_and_the_logs(
    programs: Programs, tmp_path: Path
) -> None:
    demo = Demo(tmp_path, spoiling_programs(programs, tmp_path / "programs"))

    with demo.running():
        code = demo.await_end()
        text = demo.text()

    assert code == 1
    assert "✗ holdfast" in text
    assert "expected the provisioner is ready" in text
    assert re.search(r"^  seen +export: .*Not a directory", text, re.MULTILINE), text
    assert "logs     build/demo-logs" in text
    assert "holdfast starts" in (tmp_path / "build/demo-logs/holdfast.log").read_text()
    assert "Traceback" not in text
    assert demo.left() == []


BOUND = Row(
    claim="shop/cart",
    volume="pvc-1",
    phase="Bound",
    size="100Mi",
    access="ReadWriteOnce",
    class_name="stateful-nfs",
    named="shop-cart-pvc-1",
    place="shop-cart-pvc-1",
    mode="0777",
    content="123",
)


class TestWhatItWouldNotAccept:
    def test_a_bound_claim_is_as_it_should_be(self) -> None:
        assert not_in("Bound", BOUND) == not_bound(BOUND) == not_as_asked(BOUND, HTTPD) == ""
        assert not_holding(BOUND, "123") == ""

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"phase": "Pending"}, "shop/cart is Pending, not Bound"),
            ({"place": ""}, "is nowhere, not shop-cart-pvc-1"),
            ({"place": "cart"}, "is cart, not shop-cart-pvc-1"),
            ({"mode": "0755"}, "mode 0755, not 0777"),
        ],
    )
    def test_a_claim_is_bound_only_with_its_directory(
        self, change: dict[str, str], words: str
    ) -> None:
        assert words in not_bound(replace(BOUND, **change))

    @pytest.mark.parametrize(
        "change", [{"size": "1Gi"}, {"access": "ReadWriteMany"}, {"class_name": "other"}]
    )
    def test_a_claim_gets_what_its_template_asks_for(self, change: dict[str, str]) -> None:
        assert not_as_asked(replace(BOUND, **change), HTTPD)

    @pytest.mark.parametrize(
        "change", [{"content": "124"}, {"content": ""}, {"place": "archived-shop-cart-pvc-1"}]
    )
    def test_data_stays_only_where_it_was_and_as_it_was(self, change: dict[str, str]) -> None:
        assert not_holding(replace(BOUND, **change), "123")
