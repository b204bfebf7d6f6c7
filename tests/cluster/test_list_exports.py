"""`holdfast exports` on a real API server: two exports of one process, with their leaders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.claims.objects import Json
from holdfast.controller import watched_file
from holdfast.controller.exports_config import read_exports
from holdfast.controller.permissions import NEEDED_TO_LEAD
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.cluster.typed import Typed, holdfast
from tests.support import eventually


class Bench:
    """A provisioner of the exports fast and slow."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self._folder = site, folder
        self.file = folder / "exports.yaml"
        self.write("fast", "slow")
        self.running = self._serve()

    def write(self, *names: str) -> None:
        """Lists these exports in the file."""
        for name in names:
            (self._folder / name).mkdir(exist_ok=True)
        self.file.write_text("exports:\n" + "\n".join(map(self._line, names)))

    def _line(self, name: str) -> str:
        server, mount = self.site.server, self._folder / name
        return f"  - {{name: {name}, server: {server}, path: /srv/{name}, mount: {mount}}}"

    def _serve(self) -> Running:
        exports = read_exports(self.file)
        settings = self.site.settings(exports=exports, config=self.file)
        names = tuple(export.name for export in exports)
        return self.site.serve(
            provisioner=replace(settings.provisioner, exports=names),
            exports=exports,
            config=self.file,
            leader_election=True,
            identity="holdfast-0",
        )

    def run(self, *options: str, kubeconfig: str = "") -> Typed:
        variables = {
            "PROVISIONER_NAME": self.site.name,
            "KUBECONFIG": kubeconfig or str(self.site.plane.kubeconfig),
            "POD_NAMESPACE": self.site.namespace,
        }
        typed = holdfast("exports", *options, variables=variables)
        assert "Traceback" not in typed.err
        return typed

    def rows(self) -> dict[str, Json]:
        return {row["name"]: row for row in json.loads(self.run("-o", "json").out)}

    def all_serve(self) -> bool:
        """Both are listed, and what is still configured is served."""
        return self.run().code == 0 and self.rows().keys() == {"fast", "slow"}


@pytest.fixture
def bench(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(watched_file, "_LOOK", 0.1)
    made = Bench(site, tmp_path)
    eventually(made.all_serve, what="both exports are served")
    return made


def test_each_export_is_listed_with_its_leader_and_its_volumes(bench: Bench) -> None:
    site = bench.site
    site.bound(site.claim(site.make_class(parameters={"export": "slow"})))
    eventually(lambda: bench.rows()["slow"]["volumes"] == 1)

    def served() -> list[list[str]]:  # unless a busy machine delays a renewal
        lines = [line.split() for line in bench.run().out.splitlines()]
        return lines if [line[3] for line in lines[1:]] == ["serving", "serving"] else []

    head, fast, slow = eventually(served, what="both are listed as served")

    assert head == ["NAME", "ADDRESS", "LEADER", "STATE", "VOLUMES", "TRASH", "LATENCY"]
    address = f"{site.server}:/srv"
    assert fast[:6] == ["fast", f"{address}/fast", "holdfast-0", "serving", "0", "0"]
    assert slow[:6] == ["slow", f"{address}/slow", "holdfast-0", "serving", "1", "0"]
    assert [line[-1] for line in (fast, slow)] == ["ms", "ms"]


def test_in_the_pod_the_leases_of_the_file_are_read_by_name(bench: Bench) -> None:
    config = bench.site.kubeconfig_with(NEEDED_TO_LEAD)

    refused = bench.run(kubeconfig=config)  # that of the default export does not exist

    def states() -> dict[str, str]:
        listed = bench.run("--config", str(bench.file), "-o", "json", kubeconfig=config)
        return {row["name"]: row["state"] for row in json.loads(listed.out)}

    assert (refused.code, refused.out) == (1, "")
    served = {"fast": "serving", "slow": "serving"}  # unless a busy machine delays a renewal
    eventually(lambda: states() == served, what="both are listed as served")


def test_an_export_that_is_removed_from_the_file_is_said_to_be(bench: Bench) -> None:
    bench.write("fast")
    eventually(lambda: bench.rows()["slow"]["state"] == "removed")

    eventually(bench.all_serve, what="the other is served")
    assert bench.run().out.splitlines()[2].split()[2:4] == ["-", "removed"]


def test_after_the_provisioner_has_ended_no_export_has_a_leader(bench: Bench) -> None:
    bench.running.stop()

    ended = bench.run()

    assert ended.code == 1
    assert ended.out.count("no-leader: it was stopped") == 2
