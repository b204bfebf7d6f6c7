"""The module's main() with a helm that keeps its release in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import helm_release

from tests.unit.roles.running import Result, logged, program, refusal, run

RENDERED = "---\nkind: Deployment\n"
SECRET = "---\nkind: Secret\npassword: geheim\n"
# What each program is called with is noted; the release is a file beside it. `broken` is how often
# an upgrade fails, with the words of that file.
HELM = program("""\
import json, sys
from pathlib import Path
folder = Path(__file__).parent
release, broken = folder / "release.json", folder / "broken"
words = sys.argv[1:]
with (folder / "calls").open("a") as calls:
    print(Path(__file__).name, *words, file=calls)
if words[0] == "status":
    if not release.exists():
        sys.exit("Error: release: not found")
    print(release.read_text())
elif words[0] == "template":
    print((folder / "rendered").read_text(), end="")
elif words[0] == "upgrade":
    status = "deployed"
    if broken.exists():
        status = "failed"
    manifest = (folder / "rendered").read_text()
    release.write_text(json.dumps({"info": {"status": status}, "manifest": manifest}))
    if status == "failed":
        sys.exit(broken.read_text())
elif words[0] == "uninstall":
    release.unlink()
elif words[:2] == ["get", "secret"]:
    print("secret/it.v1" if release.exists() else "", end="")
elif words[:2] == ["delete", "storageclass"]:
    broken.unlink()
""")


class Site:
    """A machine with helm, kubectl and a kubeconfig."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "kubeconfig").touch()
        (folder / "rendered").write_text(RENDERED)
        (folder / "tmp").mkdir()
        for name in ("helm", "kubectl"):
            (folder / name).write_text(HELM)
            (folder / name).chmod(0o755)

    def arguments(self, **more: Any) -> dict[str, Any]:
        programs = {name: str(self.folder / name) for name in ("helm", "kubectl", "kubeconfig")}
        own = {"name": "it", "namespace": "own", "_ansible_tmpdir": str(self.folder / "tmp")}
        return {**own, **programs, **more}

    def release(self, *, check: bool = False, **more: Any) -> Result:
        (self.folder / "calls").write_text("")
        result = run(helm_release.main, check=check, **self.arguments(**more))
        assert not result.get("failed"), result
        return result

    def calls(self) -> list[str]:
        """The programs that were called, each with its first two words."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [" ".join(line.split()[:3]) for line in lines]

    def stand(self, status: str) -> None:
        """A release with this status and what is rendered."""
        text = json.dumps({"info": {"status": status}, "manifest": RENDERED})
        (self.folder / "release.json").write_text(text)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_release_is_made_and_the_second_run_changes_nothing(site: Site) -> None:
    assert site.release()["changed"] is True
    assert site.release()["changed"] is False
    assert "helm upgrade --install" not in site.calls()


def test_a_release_that_failed_is_tried_again(site: Site) -> None:
    """It has the same manifest as the one that is wanted."""
    (site.folder / "broken").write_text("Error: the webhook does not answer")
    said = refusal(helm_release.main, **site.arguments())
    assert said == "it cannot be released: Error: the webhook does not answer"

    (site.folder / "broken").unlink()

    assert site.release()["changed"] is True
    assert "helm upgrade --install" in site.calls()
    assert site.release()["changed"] is False


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "uninstalling"])
def test_what_a_killed_helm_left_is_forgotten_first(site: Site, status: str) -> None:
    site.stand(status)

    assert site.release()["changed"] is True
    assert site.calls() == [
        "helm status it",
        "kubectl delete secret",
        "helm template it",
        "helm upgrade --install",
    ]


def test_a_dry_run_tells_and_changes_nothing(site: Site) -> None:
    site.stand("pending-upgrade")

    assert site.release(check=True)["changed"] is True
    assert site.calls() == ["helm status it", "helm template it"]


def test_a_chart_that_was_edited_is_noticed(site: Site) -> None:
    site.release()
    (site.folder / "rendered").write_text(RENDERED + "spec: {}\n")

    result = site.release()

    assert result["changed"] is True
    assert (result["diff"]["before"], result["diff"]["after"]) == (
        RENDERED,
        f"{RENDERED}spec: {{}}\n",
    )


def test_a_class_that_cannot_be_patched_is_made_anew(site: Site) -> None:
    text = 'Error: cannot patch "nfs-client" with kind StorageClass: it is immutable'
    (site.folder / "broken").write_text(text)

    assert site.release()["replaced"] == ["nfs-client"]
    assert site.calls()[-3:] == [
        "helm upgrade --install",
        "kubectl delete storageclass",
        "helm upgrade --install",
    ]


def test_a_release_is_uninstalled_once(site: Site) -> None:
    site.release()

    assert site.release(state="absent", check=True)["changed"] is True
    assert "helm uninstall it" not in site.calls()
    assert site.release(state="absent")["changed"] is True
    assert site.release(state="absent")["changed"] is False


@pytest.mark.parametrize("lacking", ["helm", "kubeconfig"])
def test_a_dry_run_on_a_bare_machine_needs_no_helm(site: Site, lacking: str) -> None:
    (site.folder / lacking).unlink()

    assert site.release(check=True)["changed"] is True


@pytest.mark.parametrize("check", [False, True])
def test_without_helm_kubectl_is_asked_whether_there_is_a_release(
    site: Site, *, check: bool
) -> None:
    (site.folder / "helm").unlink()
    assert site.release(state="absent", check=check)["changed"] is False

    site.stand("deployed")

    said = refusal(helm_release.main, check=check, **site.arguments(state="absent"))
    assert "it is installed, and there is no helm" in said
    assert "let provisioner_helm name one" in said


def test_a_removal_without_a_kubeconfig_does_not_pass_for_one(site: Site) -> None:
    """The exports would go next, under volumes of a provisioner that runs on."""
    (site.folder / "kubeconfig").unlink()

    said = refusal(helm_release.main, **site.arguments(state="absent"))

    assert "it cannot be removed: there is no kubeconfig" in said
    assert "let provisioner_kubeconfig name the cluster's" in said


def test_a_secret_is_shown_nowhere(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = logged(monkeypatch)
    (site.folder / "rendered").write_text(RENDERED + SECRET)
    secret = {"imageCredentials": {"password": "geheim"}}

    result = site.release(secret_values=secret)
    (site.folder / "broken").write_text("Error: geheim is no password")
    (site.folder / "release.json").unlink()
    failed = run(helm_release.main, **site.arguments(secret_values=secret))

    assert lines
    assert failed["failed"] is True
    assert "geheim" not in json.dumps([result, failed]) + "".join(lines)
