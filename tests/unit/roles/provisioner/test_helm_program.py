"""helm is in use only when it is whole, and from the archive that is wanted."""

from __future__ import annotations

import hashlib
import io
import platform
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner import helm as helm_parts
from ansible_collections.holdfast.nfs.plugins.modules import helm_program

from tests.unit.roles.reading import HERE, load, mappings
from tests.unit.roles.running import Result, refusal, run

VERSION = "v3.22.0"
KIND = helm_program.ARCHITECTURES[platform.machine()]
ARCHIVE = f"helm-{VERSION}-linux-{KIND}.tar.gz"


class QuietHandler(SimpleHTTPRequestHandler):
    """Says nothing on standard error."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Site:
    """A server with a release, and a machine."""

    def __init__(self, folder: Path, url: str) -> None:
        self.server, self.url = folder / "server", url
        self.folder = folder / f"opt/helm-{VERSION}"
        self.program = self.folder / "helm"
        self.release("the program")

    def release(self, content: str, member: str = f"linux-{KIND}/helm") -> str:
        """Publish an archive; its checksum."""
        data = content.encode()
        entry = tarfile.TarInfo(member)
        entry.size = len(data)
        with tarfile.open(self.server / ARCHIVE, "w:gz") as packed:
            packed.addfile(entry, io.BytesIO(data))
        found = hashlib.sha256((self.server / ARCHIVE).read_bytes()).hexdigest()
        (self.server / f"{ARCHIVE}.sha256sum").write_text(f"{found}  {ARCHIVE}\n")
        return found

    def words(self, **more: Any) -> dict[str, Any]:
        own = {"url": self.url, "version": VERSION, "directory": str(self.folder.parent)}
        return own | more

    def install(self, *, check: bool = False, **more: Any) -> Result:
        return run(helm_program.main, check=check, **self.words(**more))

    def there(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "server").mkdir()
    handler = partial(QuietHandler, directory=str(tmp_path / "server"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield Site(tmp_path, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join(timeout=10)


def test_it_is_installed_once(site: Site) -> None:
    assert site.install(check=True)["changed"] is True
    assert site.there() == []

    result = site.install()

    assert (result["changed"], result["program"]) == (True, str(site.program))
    assert site.program.read_text() == "the program"
    assert site.program.stat().st_mode & 0o777 == 0o755
    assert site.there() == ["helm", "helm.sha256"]
    assert site.install()["changed"] is False


def test_one_that_is_there_is_not_asked_for(site: Site) -> None:
    site.install()
    for path in site.server.iterdir():
        path.unlink()

    assert site.install()["changed"] is False


@pytest.mark.parametrize("content", ["the pro", ""])
def test_one_that_is_half_there_is_installed_again(site: Site, content: str) -> None:
    """Seen: a run that was cut left one that every later run took for whole."""
    site.install()
    site.program.write_text(content)

    assert site.install(check=True)["changed"] is True
    assert site.install()["changed"] is True
    assert site.program.read_text() == "the program"


def test_one_that_a_former_version_of_the_role_left_half_unpacked_is_replaced(site: Site) -> None:
    """It kept the archive beside, and no checksums."""
    site.folder.mkdir(parents=True)
    (site.folder / ARCHIVE).write_text("an archive")
    site.program.write_text("the pro")

    assert site.install()["changed"] is True
    assert site.there() == ["helm", "helm.sha256"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_one_that_somebody_else_put_there_is_left(site: Site, state: str) -> None:
    site.folder.mkdir(parents=True)
    site.program.write_text("somebody's")

    if state == "present":
        assert "these roles did not install" in refusal(helm_program.main, **site.words())
    else:
        assert site.install(state="absent")["changed"] is False

    assert site.program.read_text() == "somebody's"


def test_a_checksum_that_is_pinned_is_looked_at_where_helm_is_there(site: Site) -> None:
    """Seen: it was not, as helm was there already."""
    former = site.release("the program")
    site.install()
    pin = site.release("the program that was meant")

    assert site.install(checksums={KIND: former})["changed"] is False
    assert site.install(checksums={KIND: pin})["changed"] is True
    assert site.program.read_text() == "the program that was meant"
    assert site.install(checksums={KIND: pin.upper()})["changed"] is False


@pytest.mark.parametrize("pinned", [True, False])
def test_another_archive_than_the_one_that_is_wanted_is_not_installed(
    site: Site, *, pinned: bool
) -> None:
    if not pinned:
        (site.server / f"{ARCHIVE}.sha256sum").write_text("0" * 64)
    pins = {KIND: "0" * 64} if pinned else {}

    said = refusal(helm_program.main, **site.words(checksums=pins))

    assert f"not {'0' * 64} as {'provisioner_helm_checksums' if pinned else ARCHIVE}" in said
    assert site.there() == []


def test_a_run_that_is_cut_leaves_nothing_that_counts(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(helm_parts.Helm, "_keep", cut)
        with pytest.raises(KeyboardInterrupt):
            site.install()
    assert site.there() == []

    assert site.install()["changed"] is True


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("gone", "cannot be had: HTTP Error 404"),
        ("page", "holds no SHA-256 checksum"),
        ("member", "cannot be unpacked"),
        ("noise", "cannot be unpacked"),
    ],
)
def test_what_cannot_be_installed_is_told_with_the_remedy(
    site: Site, damage: str, said: str
) -> None:
    if damage == "gone":
        (site.server / ARCHIVE).unlink()
    elif damage == "page":
        (site.server / f"{ARCHIVE}.sha256sum").write_text("<html>")
    elif damage == "member":
        site.release("x", member="README.md")
    else:
        (site.server / ARCHIVE).write_text("noise")
        noise = hashlib.sha256(b"noise").hexdigest()
        (site.server / f"{ARCHIVE}.sha256sum").write_text(noise)

    told = refusal(helm_program.main, **site.words())

    assert f"helm {VERSION} cannot be installed on {platform.node()}: " in told
    assert said in told
    assert "provisioner_helm_url" in told
    assert site.there() == []


def test_it_goes_with_its_folder_and_leaves_what_others_put_there(site: Site) -> None:
    site.install()
    (site.folder / ".helm.cut").touch()
    other = site.folder / "notes"
    other.touch()

    assert site.install(check=True, state="absent")["changed"] is True
    assert site.install(state="absent")["changed"] is True
    assert site.there() == ["notes"]
    assert site.install(state="absent")["changed"] is False

    other.unlink()
    site.install()
    site.install(state="absent")
    assert not site.folder.exists()
    assert site.install(state="absent")["changed"] is False


def test_no_role_unpacks_a_program_straight_to_where_it_is_used() -> None:
    """Such a command can be cut, and what it leaves looks as if it were whole."""
    names = {
        key
        for path in (HERE / "roles").rglob("tasks/*.yml")
        for task in mappings(load(path))
        for key in task
    }

    assert "holdfast.nfs.helm_program" in names
    assert names.isdisjoint({"ansible.builtin.unarchive", "ansible.builtin.get_url"})
