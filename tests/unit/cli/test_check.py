"""`holdfast check` knows the export before it writes there (design, rule 9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast.cli import main
from holdfast.exports.export import Export
from holdfast.kube.resources import CLASSES, VOLUMES
from tests.fake.apiserver import FakeApiServer, Fault
from tests.fake.kubeconfig import kubeconfig
from tests.unit.controller.given import ANOTHER_ID, ID, NAME, a_class, a_volume, ref

IDENTITY = "the export's id matches the volumes"
SERVER = "the volumes on the export use a known name of its server"
AT = ("--nfs-server", "nas", "--nfs-path", "/srv")


class Bench:
    """A cluster with one class, and an export at `root`."""

    def __init__(self, server: FakeApiServer, root: Path, folder: Path) -> None:
        self.server, self.root = server, root
        self._kubeconfig = kubeconfig(server, folder)
        server.objects.create(CLASSES.path(), a_class({}))

    def add(self, *, server: str = "nas", export_id: str = ID) -> None:
        self.server.objects.create(
            VOLUMES.path(), a_volume(ref(), server=server, export_id=export_id)
        )

    def check(self, *options: str) -> Result:
        given = ["--provisioner-name", NAME, "--kubeconfig", self._kubeconfig]
        return CliRunner().invoke(main, ["check", *given, "--root", str(self.root), *options])

    def advice(self, what: str, *options: str) -> str:
        """What is to be done about a line that fails."""
        lines = self.check(*options).output.splitlines()
        return lines[lines.index(f"FAILS {what}") + 1].strip()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    root = tmp_path / "export"
    root.mkdir()
    with FakeApiServer() as server:
        yield Bench(server, root, tmp_path)


def is_untouched(bench: Bench, output: str) -> bool:
    return "a directory" not in output and list(bench.root.iterdir()) == []


@pytest.mark.parametrize("where", [(), AT])
@pytest.mark.parametrize("export_id", [ID, ""])
def test_an_empty_folder_in_the_export_s_place_fails_and_is_not_written_to(
    bench: Bench, where: tuple[str, ...], export_id: str
) -> None:
    bench.add(export_id=export_id)
    before = bench.root.stat()

    assert "is mounted here" in bench.advice(IDENTITY, *where)
    assert is_untouched(bench, bench.check(*where).output)
    assert bench.root.stat().st_mtime_ns == before.st_mtime_ns


def test_another_export_fails_and_is_not_written_to(bench: Bench) -> None:
    bench.add()
    Export(bench.root).initialise(ANOTHER_ID)
    before = bench.root.stat()

    assert f"the export {ANOTHER_ID} is mounted here, not {ID}" in bench.advice(IDENTITY, *AT)
    assert bench.root.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("where", [(), AT])
def test_the_right_export_is_tried(bench: Bench, where: tuple[str, ...]) -> None:
    bench.add()
    Export(bench.root).initialise(ID)

    said = bench.check(*where).output

    assert f"ok    {IDENTITY}" in said
    assert "ok    remove a directory on the export" in said


def test_volumes_on_another_export_of_the_provisioner_say_nothing(bench: Bench) -> None:
    bench.add(server="another", export_id=ANOTHER_ID)
    Export(bench.root).initialise(ID)

    said = bench.check(*AT).output

    assert f"ok    {IDENTITY}" in said
    assert f"ok    {SERVER}" in said
    assert "give --nfs-server and --nfs-path" in bench.advice(IDENTITY)


def test_volumes_that_name_the_server_otherwise_are_told(bench: Bench) -> None:
    bench.add(server="old")
    Export(bench.root).initialise(ID)

    assert "names its server as old: add it to" in bench.advice(SERVER, *AT)
    assert f"ok    {SERVER}" in bench.check(*AT, "--nfs-server-alias", "old").output


def test_without_the_volumes_it_is_not_known_and_nothing_is_written(bench: Bench) -> None:
    bench.server.fail("list", Fault(403, "Forbidden"), times=9)

    done = bench.check()

    assert f"FAILS {IDENTITY}" in done.output
    assert is_untouched(bench, done.output)


@pytest.mark.parametrize(
    "pattern", ["/${.PVC.name}", "x//${.PVC.name}", "../x", "{{ .PVC.Name }}", "{pvc.name}"]
)
def test_a_class_that_can_serve_no_claim_fails_by_its_name(bench: Bench, pattern: str) -> None:
    """Row 10 of the public cases: it was "ok … can be served"."""
    odd = a_class({"pathPattern": pattern})
    odd["metadata"]["name"] = "odd"
    bench.server.objects.create(CLASSES.path(), odd)

    advice = bench.advice("StorageClass 'odd' can be served", "--skip-export")

    assert advice.startswith("StorageClass 'odd': parameter 'pathPattern' is ")
    assert "ok    StorageClass 'nfs' can be served" in bench.check("--skip-export").output


@pytest.mark.parametrize("half", [AT[:2], AT[2:]])
def test_half_an_address_is_a_wrong_option(bench: Bench, half: tuple[str, ...]) -> None:
    done = bench.check(*half)

    assert done.exit_code == 2
    assert "give --nfs-server and --nfs-path together" in done.output
