"""A data directory of etcd, made of a snapshot by etcdutl; nothing that runs is touched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from .errors import Trouble
from .etcd import Etcd
from .image_program import etcdutl, run

# Clients that remember a later revision than the snapshot's would wait for it, and miss changes:
# https://etcd.io/docs/v3.6/op-guide/recovery/#restoring-with-revision-bump
BUMP = 1_000_000_000


def make(snapshot: Path, own: Etcd, made: Path) -> None:
    """Make the directory; what a run that was broken off has left there is removed.

    Raises:
        Trouble: it cannot be made, or etcd could not use it.
    """
    shutil.rmtree(made, ignore_errors=True)
    made.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with etcdutl(own.image) as program:
        _refuse_newer(snapshot, own.image, program)
        done = run([program, *_arguments(snapshot, own, made)])
    if done.returncode:
        shutil.rmtree(made, ignore_errors=True)
        raise Trouble(f"etcdutl does not restore {snapshot}: {_said(done)}")
    os.sync()


def _refuse_newer(snapshot: Path, image: str, program: Path) -> None:
    """The data of a later etcd is restored all the same; it is etcd itself that ends with it."""
    done = run([program, "snapshot", "status", str(snapshot), "--write-out=json"])
    if done.returncode:
        raise Trouble(f"etcdutl does not read {snapshot}: {_said(done)}")
    of = _release(str(json.loads(done.stdout).get("version", "")))
    runs = _release(image.rpartition(":")[2]) or _release(run([program, "version"]).stdout)
    if runs and of > runs:
        raise Trouble(
            f"{snapshot} is of etcd {of[0]}.{of[1]}, and {image}, which this machine runs, cannot "
            "use it; upgrade the cluster first (playbooks/upgrade.yml), or choose an earlier one."
        )


def _release(text: str) -> tuple[int, ...]:
    """The two numbers that count: etcd uses the data of its own release, and of earlier ones."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else ()


def _arguments(snapshot: Path, own: Etcd, made: Path) -> list[str]:
    peers = own.arguments.get("initial-advertise-peer-urls", own.members[0].partition("=")[2])
    return [
        *("snapshot", "restore", str(snapshot), f"--data-dir={made}"),
        *(f"--name={own.name}", f"--initial-cluster={own.members[0]}"),
        f"--initial-advertise-peer-urls={peers}",
        *(f"--bump-revision={BUMP}", "--mark-compacted"),
    ]


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stderr or done.stdout).split())
