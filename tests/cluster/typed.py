"""What a person types, as a process whose environment holds only what is given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.site import Site

REPOSITORY = Path(__file__).parents[2]
_DEADLINE = 45.0

# Everything that `check` imports is imported by root: nobody may read this tree.
AS_NOBODY = """
import os, sys
import holdfast.cli, holdfast.controller.permissions, holdfast.exports.self_test
import holdfast.exports.deadline, holdfast.exports.export, holdfast.kube.config
import holdfast.cli.check_export, holdfast.controller.export_id_check
import holdfast.cli.accept_report, holdfast.cli.compare_volumes
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.argv[0] = "holdfast"
holdfast.cli.main()
"""


@dataclass(frozen=True)
class Typed:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one sentence that is left for the person."""
        lines = [line for line in self.err.splitlines() if line.startswith("Error: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


def environment(**variables: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY / "provisioner"),
        "HOME": "/nonexistent",
        **variables,
    }


def holdfast(
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-m", "holdfast"),
) -> Typed:
    """Runs a command to its end."""
    done = subprocess.run(
        [sys.executable, *program, *arguments],
        env=environment(**(variables or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
        check=False,
    )
    return Typed(done.returncode, done.stdout, done.stderr)


@contextmanager
def running(log: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`holdfast run` as a process, with its log in a file; killed where it is left running."""
    with (
        log.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-m", "holdfast", "run"],
            env=environment(**variables),
            stderr=file,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def variables_of(site: Site) -> dict[str, str]:
    """The environment in which `holdfast run` serves a site."""
    return {
        "PROVISIONER_NAME": site.name,
        "NFS_SERVER": site.server,
        "NFS_PATH": "/export",
        "KUBECONFIG": str(site.plane.kubeconfig),
        "HOLDFAST_ROOT": str(site.root),
        "HOLDFAST_HTTP": "127.0.0.1:0",
        "ENABLE_LEADER_ELECTION": "true",
        "POD_NAMESPACE": site.namespace,
    }
