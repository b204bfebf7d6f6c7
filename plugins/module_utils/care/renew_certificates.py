"""Renews the certificates of a control plane before they end, and has its parts use them.

The timer's program. What it finds decides, not what a former run noted: a run that was broken off
between the steps is made good by the next.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pwd
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..control_plane.kubeconfig import (  # noqa: TID252 - it is installed beside
    is_same_cluster,
    is_unchanged,
    marked,
    put,
)
from . import static_pods
from .certificates import Certificate, ending, renewed
from .errors import Trouble
from .kubeadm import is_changing

KUBERNETES = Path("etc/kubernetes")
ADMIN = KUBERNETES / "admin.conf"
# What each part reads when it starts; an order in which each finds what it needs.
READS: Mapping[str, Sequence[str]] = {
    "etcd": ("pki/etcd/server.crt", "pki/etcd/peer.crt"),
    "kube-apiserver": (
        "pki/apiserver.crt",
        "pki/apiserver-kubelet-client.crt",
        "pki/apiserver-etcd-client.crt",
        "pki/front-proxy-client.crt",
    ),
    "kube-controller-manager": ("controller-manager.conf",),
    "kube-scheduler": ("scheduler.conf",),
}
# https://kubernetes.io/docs/reference/ports-and-protocols/; each answers on the machine itself.
HEALTH = {
    "etcd": "http://127.0.0.1:2381/health",
    "kube-apiserver": "https://127.0.0.1:6443/readyz",
    "kube-controller-manager": "https://127.0.0.1:10257/healthz",
    "kube-scheduler": "https://127.0.0.1:10259/healthz",
}
LOCK = Path("/run/holdfast-certificates.lock")
KUBEADM, KUBECTL = "/usr/local/bin/kubeadm", "/usr/local/bin/kubectl"
_SECONDS = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code; what was done is printed, a line each."""
    given = _parser().parse_args(arguments)
    try:
        with LOCK.open("w") as lock:  # the timer and a playbook may both run it
            fcntl.flock(lock, fcntl.LOCK_EX)
            for line in steps(Path("/"), given.days, given.admin):
                print(line)  # noqa: T201 - for the journal, and for Ansible
    except (Trouble, OSError) as trouble:
        print(trouble, file=sys.stderr)  # noqa: T201 - for the journal
        return 1
    return 0


def steps(root: Path, days: int, admin: str) -> Iterator[str]:
    """Do what is to be done; what that was.

    Raises:
        Trouble: a step failed; the next run begins with it.
    """
    if not (root / ADMIN).exists():
        raise Trouble("This machine runs no control plane of kubeadm's (/etc/kubernetes).")
    if is_changing(root):
        raise Trouble("kubeadm runs on this machine; the certificates are left to the next run.")
    if soon := _soon(root, days):
        _renew()
        yield f"renewed the certificates, of which {soon[0].path} would have ended {soon[0].end}"
        _see_that_none_is_left(root, days)
    for part in outdated(root):
        _date_back(_files(root, READS[part]))
        static_pods.restart(part, lambda part=part: is_well(part))  # type: ignore[misc]
        yield f"restarted {part}, which ran with former certificates"
    if admin and (path := refresh(root, admin)):
        yield f"wrote {path} anew"


def outdated(root: Path) -> list[str]:
    """The parts that started before a file that they read was written."""
    return [
        part
        for part, names in READS.items()
        for process in static_pods.running(part, root)[:1]
        if process.began < max(map(_changed, _files(root, names)), default=0)
    ]


def is_well(part: str) -> bool:
    """Whether a part answers that it is; 401 and 403 are answers of one that asks for a name."""
    try:
        with _direct().open(HEALTH[part], timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code in {401, 403}
    except OSError:
        return False


def refresh(root: Path, admin: str) -> Path | None:
    """Write the administrator's kubeconfig anew where it is this cluster's; its file if it changed.

    Raises:
        Trouble: the user is gone.
    """
    try:
        entry = pwd.getpwnam(admin)
    except KeyError:
        raise Trouble(f"control_plane_admin is {admin}, who is no user of this machine.") from None
    path, source = Path(entry.pw_dir, ".kube/config"), root / ADMIN
    text = marked(source.read_text())
    if not path.exists() or path.read_text(errors="replace") == text or not _is_ours(path, source):
        return None
    put(path, text, entry.pw_uid, entry.pw_gid)
    return path


def _soon(root: Path, days: int) -> list[Certificate]:
    return ending(renewed(root), days, datetime.now(tz=UTC))


def _see_that_none_is_left(root: Path, days: int) -> None:
    """One that is would have all of them renewed, and each part restarted, at every run."""
    if left := _soon(root, days):
        names = ", ".join(one.path for one in left)
        raise Trouble(
            f"kubeadm certs renew all was run, but these end within {days} days all the same: "
            f"{names}. No part of the control plane was restarted. Renew them by hand where the "
            "key of their authority is not on this machine; where the cluster's certificates are "
            "made for a shorter time, set control_plane_renewal_days below it."
        )


def _date_back(paths: Sequence[Path]) -> None:
    """A time that has not come yet would be newer than the part until it comes; it is now."""
    for path in paths:
        if _changed(path) > time.time():
            times = path.stat()
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _is_ours(path: Path, source: Path) -> bool:
    """As the module admin_kubeconfig has it."""
    if is_unchanged(path.read_text(errors="replace")):
        return True
    there, own = _read(path), _read(source)
    return bool(there) and bool(own) and is_same_cluster(there, own)


def _read(path: Path) -> dict[str, Any]:
    """What kubectl reads in a kubeconfig; empty if it is none."""
    command = [KUBECTL, "config", "view", "--raw", "--output=json", f"--kubeconfig={path}"]
    done = _run(command)
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {}


def _renew() -> None:
    done = _run([KUBEADM, "certs", "renew", "all"])
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise Trouble(f"kubeadm certs renew all failed: {said}")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return _ran(command)
    except OSError as error:
        raise Trouble(
            f"{command[0]} cannot be run: {error.strerror}. Run playbooks/cluster.yml, which "
            "installs it."
        ) from None
    except subprocess.TimeoutExpired:
        raise Trouble(
            f"{command[0]} had not ended after {_SECONDS:g} s; run it by hand to see where it "
            f"waits: {' '.join(command)}"
        ) from None


def _ran(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - words, no shell
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        # What it may ask is the cluster's API server.
        env={name: value for name, value in os.environ.items() if not _is_proxy(name)},
    )


def _is_proxy(name: str) -> bool:
    return name.lower().endswith("_proxy")


def _direct() -> urllib.request.OpenerDirector:
    """Without the proxy of the environment, which would answer for a part of this machine.

    The parts make certificates of their own for this; only the question is sent to them.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )


def _files(root: Path, names: Sequence[str]) -> list[Path]:
    return [path for name in names if (path := root / KUBERNETES / name).exists()]


def _changed(path: Path) -> float:
    return path.stat().st_ctime


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--admin", default="")
    return parser


if __name__ == "__main__":
    sys.exit(main())
