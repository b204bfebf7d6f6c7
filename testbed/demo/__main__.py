"""`python -m testbed.demo [--keep] [--picture FILE]`; ends with 0 only if every step was seen."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import urllib3
from rich.console import Console

from testbed.demo.stage import HOLDFAST, Stage
from testbed.demo.story import STORY, Step
from testbed.demo.view import View
from testbed.demo.workloads import HTTPD
from testbed.errors import TestbedError

_DEADLINE: Final = 20.0  # seconds for one step's fact, from when its command was done
_PAUSE: Final = 0.1
_LOGS: Final = Path("build/demo-logs")
_FAILURES: Final = (TestbedError, urllib3.exceptions.HTTPError, OSError, subprocess.SubprocessError)


class Unseen(Exception):
    """A step's fact was not seen; the message is what was."""


def main() -> int:
    """Play the story; the exit code."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda signum, _: sys.exit(128 + signum))
    view = View(Console(highlight=False), steps=len(STORY))
    try:
        with Stage(view.note) as stage, _undisturbed_end():
            return _play(stage, view, options)
    except KeyboardInterrupt:
        view.say("ended before the end; nothing of it is left")
        return 128 + signal.SIGINT
    except _FAILURES as error:  # not of a step: there is no temporary folder, no picture, no table
        view.say(str(error))
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m testbed.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="stay until Ctrl-C, to look around")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write the last view as SVG")
    return parser.parse_args()


@contextmanager
def _undisturbed_end() -> Iterator[None]:
    """A second Ctrl-C does not leave half of it running."""
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


def _play(stage: Stage, view: View, options: argparse.Namespace) -> int:
    try:
        with view:
            for step in STORY:
                view.begin(step)
                _see(step, stage, view)
                view.succeed()
    except (Unseen, *_FAILURES) as error:
        view.fail(_details(error, stage))
        return 1
    view.finish()
    if options.picture:
        view.save(options.picture)
    _show_volumes(stage, view)
    if options.keep:
        _stay(stage, view)
    else:
        view.say(
            "\nWith KEEP=1 all of it stays to look around. More to run, on any cluster: examples/"
        )
    return 0


def _see(step: Step, stage: Stage, view: View) -> None:
    """Does a step and returns when its fact is seen; raises Unseen, and what the step raises."""
    differs = step.act(stage)
    end = time.monotonic() + _DEADLINE
    while True:
        stage.rows.look()
        view.show(stage.rows)
        difference = differs()
        if not difference:
            return
        if time.monotonic() > end:
            raise Unseen(f"{difference} (after {_DEADLINE:.0f} s)")
        time.sleep(_PAUSE)


def _details(error: Exception, stage: Stage) -> Iterator[tuple[str, str]]:
    yield "seen", str(error).replace(str(stage.folder), str(_LOGS))
    for message in stage.warnings():
        yield "warning", message
    if stage.save_logs(_LOGS):
        yield "logs", str(_LOGS)


def _show_volumes(stage: Stage, view: View) -> None:
    command = ("volumes", "--namespace", HTTPD.namespace)
    view.say(f"\n$ holdfast {' '.join(command)}")
    environment = os.environ | {"KUBECONFIG": str(stage.cluster.kubeconfig)}
    subprocess.run([HOLDFAST, *command], env=environment, timeout=_DEADLINE, check=True)


def _stay(stage: Stage, view: View) -> None:
    """Says how to look around, and waits for Ctrl-C."""
    programs = f"{stage.cluster.programs.kubectl.parent}:{HOLDFAST.parent}"
    for line in (
        "",
        "Everything runs on until Ctrl-C. In another terminal:",
        "",
        f"  export KUBECONFIG={shlex.quote(str(stage.cluster.kubeconfig))}",
        f"  export PATH={shlex.quote(programs)}:$PATH",
        "  kubectl get pvc,pv --all-namespaces",
        "  holdfast volumes",
        f"  ls -l {shlex.quote(str(stage.export))}",
    ):
        view.say(line)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        view.say()


if __name__ == "__main__":
    sys.exit(main())
