"""The folder of mirrors holds what the variable says, and what others put there."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import registry_mirrors as mirrors

from tests.unit.roles.running import Result, logged, refusal, run

MIRROR = "http://192.168.41.1:5000"
ASKED = {"capabilities": ["pull", "resolve"]}
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
LOGIN = {"url": "https://mirror.example.com", "username": "reader", "password": "geheim&geheimer"}
SECRETS = ("geheim", base64.b64encode(b"reader:geheim&geheimer").decode())


class Machine:
    """Where the files are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, wanted: dict[str, Any], *, check: bool = False) -> Result:
        result = run(mirrors.main, check=check, mirrors=wanted, path=str(self.folder))
        assert not result.get("failed"), result
        assert result["pending"] is result["changed"]
        return result

    def refusal(self, wanted: dict[str, Any]) -> str:
        before = self.files()
        said = refusal(mirrors.main, mirrors=wanted, path=str(self.folder))
        assert self.files() == before
        return said

    def files(self) -> dict[str, str]:
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_text() for path in paths}

    def read(self, registry: str) -> dict[str, Any]:
        return tomllib.loads((self.folder / registry / "hosts.toml").read_text())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "certs.d")


def test_each_registry_has_its_mirror(machine: Machine) -> None:
    machine.make({"registry.k8s.io": MIRROR, "quay.io:8443": "https://mirror.example.com/"})

    assert machine.read("registry.k8s.io") == {"server": MIRROR, "host": {MIRROR: ASKED}}
    assert machine.read("quay.io:8443")["server"] == "https://mirror.example.com"


def test_a_second_run_changes_nothing(machine: Machine) -> None:
    assert machine.make({"ghcr.io": LOGIN})["changed"] is True
    assert machine.make({"ghcr.io": LOGIN})["changed"] is False


def test_a_dry_run_tells_and_writes_nothing(machine: Machine) -> None:
    result = machine.make({"ghcr.io": MIRROR}, check=True)

    assert result["changed"] is True
    assert f'server = "{MIRROR}"' in result["diff"]["after"]
    assert machine.files() == {}


def test_a_dry_run_removes_nothing(machine: Machine) -> None:
    machine.make({"ghcr.io": MIRROR})

    assert machine.make({}, check=True)["changed"] is True
    assert list(machine.files()) == ["ghcr.io/hosts.toml"]


def test_a_mirror_that_is_no_longer_named_is_removed(machine: Machine) -> None:
    machine.make({"registry.k8s.io": MIRROR, "ghcr.io": {"url": MIRROR, "ca": PEM}})
    machine.make({"registry.k8s.io": MIRROR})

    assert list(machine.files()) == ["registry.k8s.io/hosts.toml"]
    assert not (machine.folder / "ghcr.io").exists()


def test_what_somebody_else_wrote_stays(machine: Machine) -> None:
    machine.make({"ghcr.io": MIRROR})
    for name in ("registry.example.com/hosts.toml", "ghcr.io/ca.crt"):
        (machine.folder / name).parent.mkdir(exist_ok=True)
        (machine.folder / name).write_text("somebody's\n")

    machine.make({})

    assert set(machine.files()) == {"registry.example.com/hosts.toml", "ghcr.io/ca.crt"}


def test_what_somebody_else_wrote_is_not_written_over(machine: Machine) -> None:
    own = machine.folder / "ghcr.io/hosts.toml"
    own.parent.mkdir(parents=True)
    own.write_bytes(b'server = "https://registry.example.com" # \xff\n')

    said = refusal(mirrors.main, mirrors={"ghcr.io": MIRROR}, path=str(machine.folder))

    assert said.startswith(f"container_runtime_mirrors, ghcr.io: {own} is there already and")
    assert b"registry.example.com" in own.read_bytes()


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/quay", "/v2/quay"),
        ("/quay/", "/v2/quay"),
        ("/v2/quay", "/v2/quay"),
        ("/artifactory/api/docker/quay/v2", "/artifactory/api/docker/quay/v2"),
    ],
)
def test_a_path_is_asked_as_it_is_meant(machine: Machine, path: str, asked: str) -> None:
    """Else containerd asks for /quay/v2/NAME, which no registry has."""
    machine.make({"quay.io": f"https://mirror.example.com{path}"})

    url = f"https://mirror.example.com{asked}"
    assert machine.read("quay.io") == {
        "server": url,
        "override_path": True,
        "host": {url: {**ASKED, "override_path": True}},
    }


def test_with_a_fallback_the_registry_itself_is_asked_after_the_mirror(machine: Machine) -> None:
    machine.make({"docker.io": {"url": MIRROR, "fallback": "yes"}})

    assert machine.read("docker.io") == {"host": {MIRROR: ASKED}}


@pytest.mark.parametrize("fallback", [False, "false", "no"])
def test_without_a_fallback_it_is_not(machine: Machine, fallback: object) -> None:
    machine.make({"docker.io": {"url": MIRROR, "fallback": fallback}})

    assert machine.read("docker.io")["server"] == MIRROR


def test_an_authority_of_the_mirrors_own_is_named_by_its_file(
    machine: Machine, tmp_path: Path
) -> None:
    (tmp_path / "ca.crt").write_text(PEM)
    machine.make({"ghcr.io": {"url": MIRROR, "ca": str(tmp_path / "ca.crt")}})

    read = machine.read("ghcr.io")
    assert read["ca"] == read["host"][MIRROR]["ca"] == str(tmp_path / "ca.crt")


def test_an_authority_that_is_given_as_text_is_put_beside(machine: Machine) -> None:
    machine.make({"ghcr.io": {"url": MIRROR, "ca": PEM}})

    assert machine.read("ghcr.io")["ca"] == "mirror-ca.pem"
    assert PEM in machine.files()["ghcr.io/mirror-ca.pem"]
    assert machine.make({"ghcr.io": {"url": MIRROR, "ca": PEM}})["changed"] is False


def test_a_login_is_sent_with_each_request(machine: Machine) -> None:
    machine.make({"ghcr.io": LOGIN})

    header = {"Authorization": f"Basic {SECRETS[1]}"}
    read = machine.read("ghcr.io")
    assert read["header"] == read["host"]["https://mirror.example.com"]["header"] == header


def test_with_a_login_the_file_is_for_root_to_read(machine: Machine) -> None:
    file = machine.folder / "ghcr.io/hosts.toml"
    machine.make({"ghcr.io": MIRROR})
    assert file.stat().st_mode & 0o777 == 0o644

    machine.make({"ghcr.io": LOGIN})
    assert file.stat().st_mode & 0o777 == 0o600

    file.chmod(0o644)
    assert machine.make({"ghcr.io": LOGIN})["changed"] is True
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "second",
    [
        {},
        {"ghcr.io": LOGIN},
        {"ghcr.io": {**LOGIN, "ca": "x"}},
        {"ghcr.io": {"url": MIRROR, "pasword": "geheim"}},
        {"ghcr.io": "https://reader:geheim@mirror.example.com"},
    ],
)
def test_a_login_is_shown_nowhere(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, second: dict[str, Any]
) -> None:
    """Neither in the answer with its difference, nor in a sentence, nor in the machine's log."""
    lines = logged(monkeypatch)

    said = [
        run(mirrors.main, check=check, mirrors=wanted, path=str(machine.folder))
        for wanted in ({"ghcr.io": LOGIN}, second)
        for check in (True, False)
    ]

    assert lines
    assert [secret for secret in SECRETS if secret in json.dumps(said) + "".join(lines)] == []


def test_what_is_no_secret_is_shown(machine: Machine) -> None:
    assert "https://mirror.example.com" in machine.make({"ghcr.io": LOGIN})["diff"]["after"]


def test_no_folder_is_no_mirror(machine: Machine) -> None:
    assert machine.make({})["changed"] is False


@pytest.mark.parametrize(
    "url",
    [
        "192.168.41.1:5000",
        "ftp://mirror",
        "http://",
        "http://mirror:99999",
        "http://mirror:0",
        'http://m"\n[host]',
        'http://m"',
        "http://m\\",
        "http://m/a b",
        "http://m/?query",
        "http://m/#part",
        "http://m\n",
        "",
        5000,
        None,
    ],
)
def test_a_mirror_that_is_no_url_is_refused_by_name(machine: Machine, url: object) -> None:
    said = machine.refusal({"registry.k8s.io": MIRROR, "ghcr.io": url})

    assert said.startswith("container_runtime_mirrors, ghcr.io: the url of its mirror is ")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"ca": PEM}, "the url of its mirror is None"),
        ({"url": MIRROR, "skip_verify": True}, "skip_verify is not supported"),
        ({"url": MIRROR, "mirror": 1, "user": 2}, "mirror, user is no key of a mirror; they are "),
        ({"url": MIRROR, "ca": "ca.crt"}, "its ca is neither the absolute path"),
        ({"url": MIRROR, "ca": "/nowhere/ca.crt"}, "its ca, /nowhere/ca.crt, is no file on this"),
        ({"url": MIRROR, "ca": 5}, "its ca is neither"),
        ({"url": MIRROR, "username": "me"}, "username and password go together"),
        ({"url": MIRROR, "password": "x"}, "username and password go together"),
        ({"url": MIRROR, "username": "me", "password": 1234}, "have to be texts"),
        ({"url": MIRROR, "username": "m:e", "password": "x"}, "a username has no colon in it"),
        ({"url": MIRROR, "fallback": "perhaps"}, "fallback is 'perhaps'; it has to be true or"),
        ([MIRROR], "the url of its mirror is ["),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    machine: Machine, entry: object, sentence: str
) -> None:
    said = machine.refusal({"ghcr.io": entry})

    assert said.startswith("container_runtime_mirrors, ghcr.io: ")
    assert sentence in said


def test_a_login_within_a_url_is_refused_and_not_repeated(machine: Machine) -> None:
    said = machine.refusal({"ghcr.io": "https://reader:geheim@mirror.example.com"})

    assert "its url has a login in it; give username and password" in said
    assert "geheim" not in said


@pytest.mark.parametrize(
    "registry", ["https://ghcr.io", "ghcr.io/flannel", "../ghcr.io", "", "GHCR"]
)
def test_what_is_no_registry_is_refused_by_name(machine: Machine, registry: str) -> None:
    assert "is no registry's name" in machine.refusal({registry: MIRROR})
