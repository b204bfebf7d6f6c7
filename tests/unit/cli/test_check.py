"""`holdfast check` knows the export before it writes there (design, rule 9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast.claims.constants import ON_DELETE
from holdfast.claims.parameters import Action
from holdfast.cli import main
from holdfast.exports.export import Export
from holdfast.kube.resources import CLASSES, NAMESPACES, VOLUMES
from tests.fake.apiserver import FakeApiServer, Fault
from tests.fake.kubeconfig import kubeconfig
from tests.unit.cli.given import restore
from tests.unit.controller.given import ANOTHER_ID, ID, NAME, a_class, a_volume, ref
from tests.unit.exports.given import Leading, published

IDENTITY = "the export's id matches the volumes"
RECORDS = "the directories are the ones in their records"
SERVER = "the volumes on the export use a known name of its server"
AT = ("--nfs-server", "nas", "--nfs-path", "/srv")


class Bench:
    """A cluster with one class, and an export at `root`."""

    def __init__(self, server: FakeApiServer, root: Path, folder: Path) -> None:
        self.server, self.root = server, root
        self._kubeconfig = kubeconfig(server, folder)
        server.objects.create(CLASSES.path(), a_class({}))
        made = server.objects.create(NAMESPACES.path(), {"metadata": {"name": "kube-system"}})
        self.cluster = made["metadata"]["uid"]

    def add(self, *, server: str = "nas", export_id: str = ID, annotated: bool = True) -> None:
        made = a_volume(ref(), server=server, export_id=export_id, annotated=annotated)
        self.server.objects.create(VOLUMES.path(), made)

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


@pytest.mark.parametrize("held", ["", ANOTHER_ID])
def test_an_export_without_the_directories_of_inherited_volumes_fails_and_is_not_written_to(
    bench: Bench, held: str
) -> None:
    """All was ok, and `run` made it theirs."""
    bench.add(annotated=False)
    if held:
        Export(bench.root).initialise(held)
    before = sorted(bench.root.rglob("*"))

    advice = bench.advice(IDENTITY, *AT)

    assert advice == (
        "the only volume's directory, 'team/data', is not here: mount their export, or, if it is "
        "lost, run `holdfast exports accept --allow-empty`"
    )
    assert "a directory on the export" not in bench.check(*AT).output
    assert sorted(bench.root.rglob("*")) == before
    (bench.root / "team/data").mkdir(parents=True)
    assert f"ok    {IDENTITY}" in bench.check(*AT).output


@pytest.mark.parametrize(
    ("where", "question"),
    [((), "is the export mounted there?"), (AT, "is nas:/srv mounted there?")],
)
def test_a_mount_point_that_is_not_nfs_is_a_note_and_no_failure(
    bench: Bench, where: tuple[str, ...], question: str
) -> None:
    """The first start without the mount is taken for an export."""
    lines = bench.check(*where).output.splitlines()

    [number] = [at for at, line in enumerate(lines) if line.startswith(f"note  {bench.root} is ")]
    assert lines[number].endswith(", not nfs")
    assert lines[number + 1].strip() == question


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


@pytest.mark.parametrize("where", [(), AT])
def test_directories_that_are_not_those_in_the_records_fail(
    bench: Bench, where: tuple[str, ...]
) -> None:
    """As after a restore, which nothing else announces."""
    Export(bench.root).initialise(ID)
    export = Leading(bench.root, cluster=bench.cluster)
    for uid in "12":
        published(export, uid, f"team/data-{uid}", action=Action.ARCHIVE)
    export.reclaim("pvc-2", "2", Action.ARCHIVE)
    bench.add()
    assert f"ok    {RECORDS}" in bench.check(*where).output

    restore(bench.root)
    advice = bench.advice(RECORDS, *where)

    assert advice.startswith("2 directories (1 archived, 1 of volumes) are not the ones in their")
    assert "run `holdfast exports accept`" in advice
    assert "`holdfast exports show -o wide` names them" in advice


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


def test_an_annotation_that_is_no_reclaim_action_fails_with_what_to_do(bench: Bench) -> None:
    actions = "the volumes' reclaim actions are valid"
    bench.add()
    assert f"ok    {actions}" in bench.check("--skip-export").output
    change = {"metadata": {"annotations": {ON_DELETE: "retian"}}}
    bench.server.objects.patch(VOLUMES.path("", "pvc-1"), change)

    advice = bench.advice(actions, "--skip-export")

    assert "holdfast.io/on-delete of pvc-1 ('retian') is not an action" in advice
    assert "set it to delete, archive or retain" in advice


@pytest.mark.parametrize("half", [AT[:2], AT[2:]])
def test_half_an_address_is_a_wrong_option(bench: Bench, half: tuple[str, ...]) -> None:
    done = bench.check(*half)

    assert done.exit_code == 2
    assert "give --nfs-server and --nfs-path together" in done.output


class TestSeveralExports:
    """With --config, each export of the file is checked, and the permissions on its Lease."""

    @pytest.fixture
    def config(self, bench: Bench, tmp_path: Path) -> str:
        """Two exports: fast, which is the volumes', and slow, on which there are none."""
        bench.add()
        Export(bench.root).initialise(ID)
        (tmp_path / "slow").mkdir()
        path = tmp_path / "exports.yaml"
        path.write_text(
            "exports:\n"
            f"  - {{name: fast, server: nas, path: /srv, mount: {bench.root}}}\n"
            f"  - {{name: slow, server: nas, path: /slow, mount: {tmp_path / 'slow'}}}\n"
        )
        return str(path)

    def test_each_is_tried_and_named(self, bench: Bench, config: str) -> None:
        done = bench.check("--config", config)

        assert done.exit_code == 0, done.output
        for name in ("fast", "slow"):
            assert f"ok    export {name}: {IDENTITY}" in done.output
            assert f"ok    export {name}: remove a directory on the export" in done.output

    def test_one_that_is_wrong_does_not_keep_the_others_from_being_tried(
        self, bench: Bench, config: str
    ) -> None:
        (bench.root / ".holdfast/export").unlink()

        assert "is mounted here" in bench.advice(f"export fast: {IDENTITY}", "--config", config)
        assert "ok    export slow: remove a directory" in bench.check("--config", config).output

    def test_each_lease_is_asked_about(self, bench: Bench, config: str) -> None:
        said = bench.check("--config", config, "--skip-export").output

        for verb in ("get", "update"):
            for name in ("fast", "slow"):
                assert f"ok    may {verb} leases example.com-nfs-{name} in namespace" in said

    @pytest.mark.parametrize(("export", "is_well"), [("slow", True), ("third", False)])
    def test_a_class_may_name_one_of_them(
        self, bench: Bench, config: str, export: str, *, is_well: bool
    ) -> None:
        named = a_class({"export": export})
        named["metadata"]["name"] = "named"
        bench.server.objects.create(CLASSES.path(), named)

        said = bench.check("--config", config, "--skip-export").output

        assert ("ok    StorageClass 'named' can be served" in said) == is_well

    def test_an_address_beside_the_file_is_a_wrong_option(self, bench: Bench, config: str) -> None:
        done = bench.check("--config", config, *AT)

        assert done.exit_code == 2
        assert "--config lists the exports" in done.output
