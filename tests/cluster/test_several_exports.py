"""Several exports in one process: each serves its own classes, and the file is watched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.build_volume import Address
from holdfast.controller import watched_file
from holdfast.controller.exports_config import read_exports
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.support import eventually


class ExportInterface:
    """Exports in folders of a test, and the file that lists them."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.file = folder / "exports.yaml"
        self.running: Running | None = None

    def root(self, name: str) -> Path:
        return self.folder / name

    def write(self, *names: str, more: str = "") -> None:
        """Lists these exports; `more` are further fields of each."""
        lines = ["exports:"]
        for name in names:
            self.root(name).mkdir(exist_ok=True)
            fields = f"server: {self.site.server}, path: /srv/{name}, mount: {self.root(name)}"
            lines.append(f"  - {{name: {name}, {fields}{more}}}")
        self.file.write_text("\n".join(lines))

    def serve(self) -> Running:
        exports = read_exports(self.file)
        settings = self.site.settings(exports=exports, config=self.file)
        names = tuple(export.name for export in exports)
        provisioner = replace(settings.provisioner, exports=names)
        self.running = self.site.serve(provisioner=provisioner, exports=exports, config=self.file)
        return self.running

    def claim(self, export: str, name: str) -> str:
        """A claim of a class that names an export."""
        parameters = {"export": export, "onDelete": "delete"} if export else {}
        return self.site.claim(self.site.make_class(f"of-{name}", parameters=parameters), name)

    def directories(self, name: str) -> list[str]:
        return sorted(one.name for one in self.root(name).iterdir() if one.name != ".holdfast")


@pytest.fixture
def exports(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExportInterface:
    monkeypatch.setattr(watched_file, "_LOOK", 0.1)
    made = ExportInterface(site, tmp_path)
    made.write("fast", "slow")
    return made


def test_a_claim_is_served_from_the_export_of_its_class(exports: ExportInterface) -> None:
    exports.serve()

    bound = {name: exports.site.bound(exports.claim(name, f"c{name}")) for name in ("fast", "slow")}
    default = exports.site.bound(exports.claim("", "default"))

    for name, volume in bound.items():
        nfs = volume["spec"]["nfs"]
        directory = Address(exports.site.server, f"/srv/{name}").directory_of(nfs["path"])
        assert directory in exports.directories(name)
    assert default["spec"]["nfs"]["path"].startswith("/srv/fast/")


def test_a_class_that_names_an_unknown_export_is_refused_until_it_is_there(
    exports: ExportInterface,
) -> None:
    exports.serve()
    claim = exports.claim("third", "waits")
    assert "one of fast, slow" in exports.site.refusal(claim, "which is not configured")

    exports.write("fast", "slow", "third")

    assert exports.site.bound(claim)["spec"]["nfs"]["path"].startswith("/srv/third/")


def test_an_export_that_is_removed_keeps_its_volumes_and_the_others_serve(
    exports: ExportInterface,
) -> None:
    running = exports.serve()
    exports.site.bound(exports.claim("slow", "stays"))

    exports.write("fast")
    eventually(lambda: [one.export.name for one in running.manager.exports] == ["fast"])

    assert len(exports.directories("slow")) == 1
    exports.site.bound(exports.claim("fast", "served"))


def test_a_mistake_in_the_file_keeps_what_was_there_and_is_told(exports: ExportInterface) -> None:
    running = exports.serve()
    good = exports.file.read_text()

    exports.file.write_text(good.replace("server:", "sever:"))
    eventually(lambda: running.metric("holdfast_configuration_valid") == 0)
    exports.site.bound(exports.claim("slow", "served"))

    exports.file.write_text(good + "\n")
    eventually(lambda: running.metric("holdfast_configuration_valid") == 1)


def test_an_export_whose_deadline_changes_is_served_on(exports: ExportInterface) -> None:
    running = exports.serve()
    exports.site.bound(exports.claim("slow", "before"))

    exports.write("fast", "slow", more=", deadline: 12")
    eventually(lambda: [one.export.deadline for one in running.manager.exports] == [12, 12])

    exports.site.bound(exports.claim("slow", "after"))
    exports.site.delete_claim("before")
    eventually(lambda: len(exports.directories("slow")) == 1)
