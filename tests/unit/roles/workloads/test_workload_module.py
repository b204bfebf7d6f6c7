"""The module's main() with a kubectl that keeps what it made in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import workload

from tests.unit.roles.running import Result, program, refusal, run

KUBECTL = program("""\
import os, sys
from pathlib import Path
folder = Path(__file__).parent
there, words = folder / "there", sys.argv[1:]
with (folder / "calls").open("a") as calls:
    print(os.environ["KUBECONFIG"], *words, file=calls)
match words:
    case ["kustomize", path]:
        assert (Path(path) / "Kustomization").is_file()
        print((folder / "rendered").read_text())
    case ["get", "namespace", name, *_]:
        print(f"namespace/{name}" if there.exists() else "", end="")
    case ["create", "namespace", name]:
        there.touch()
        print(f"namespace/{name} created")
    case ["apply", *rest]:
        done = "unchanged" if (folder / "applied").exists() else "created"
        if "--dry-run=server" not in rest:
            (folder / "applied").touch()
        print(f"statefulset.apps/redis {done}")
    case ["get", "deployments,statefulsets,daemonsets", *_]:
        print("statefulset.apps/redis")
    case ["rollout", *_]:
        sys.exit("error: timed out" if (folder / "stuck").exists() else 0)
    case ["get", "events", *_]:
        print("redis-0   FailedMount   no such export")
    case ["delete", what, *_]:
        print(f"{what} deleted")
        if what == "namespace":
            there.unlink()
""")


class Site:
    """A machine with that kubectl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "rendered").write_text("kind: StatefulSet\n")
        (folder / "kubectl").write_text(KUBECTL)
        (folder / "kubectl").chmod(0o755)

    def arguments(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "redis",
            "files": {"redis/Kustomization": "resources: []\n"},
            "namespace": "example-redis",
            "seconds": 5,
            "kubectl": str(self.folder / "kubectl"),
            "kubeconfig": "/etc/kubernetes/admin.conf",
            **more,
        }

    def run(self, *, check: bool = False, **more: Any) -> Result:
        (self.folder / "calls").write_text("")
        result = run(workload.main, check=check, **self.arguments(**more))
        assert not result.get("failed"), result
        return result

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_an_example_is_applied_once(site: Site) -> None:
    first, second = site.run(), site.run()

    assert first["objects"] == ["namespace/example-redis created", "statefulset.apps/redis created"]
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["namespace"] == "example-redis"


def test_the_cluster_of_the_kubeconfig_is_asked(site: Site) -> None:
    site.run()

    assert all(call.startswith("/etc/kubernetes/admin.conf ") for call in site.calls())


def test_a_dry_run_creates_nothing(site: Site) -> None:
    assert site.run(check=True)["changed"] is True
    assert not (site.folder / "there").exists()

    (site.folder / "there").touch()
    assert site.run(check=True)["objects"] == ["statefulset.apps/redis created"]
    assert not (site.folder / "applied").exists()


def test_an_example_is_removed_once_with_its_namespace(site: Site) -> None:
    site.run()

    assert site.run(check=True, state="absent")["changed"] is True
    assert (site.folder / "there").exists()
    assert site.run(state="absent")["objects"][-1] == "namespace deleted"
    assert site.run(state="absent")["changed"] is False


def test_one_that_does_not_become_ready_is_told_with_what_the_cluster_says(site: Site) -> None:
    (site.folder / "stuck").touch()

    assert refusal(workload.main, **site.arguments()) == (
        "example redis: statefulset.apps/redis is not ready: redis-0 FailedMount no such export"
    )


@pytest.mark.parametrize("more", [{"seconds": "soon"}, {"state": "gone"}, {"files": None}])
def test_an_argument_that_cannot_be_is_refused(site: Site, more: dict[str, Any]) -> None:
    assert next(iter(more)) in refusal(workload.main, **site.arguments(**more))
