"""`holdfast check` knows the export before it writes there (design, rule 9)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from holdfast.claims.constants import ON_DELETE
from holdfast.claims.parameters import Action
from holdfast.cli import compare_volumes, main, records
from holdfast.cli.records import Held, records_on
from holdfast.exports import ledger, restored_from_backup
from holdfast.exports.errors import Failed
from holdfast.exports.export import Export
from holdfast.exports.ledger import read_record
from holdfast.exports.record import Record
from holdfast.kube.resources import CLAIMS, CLASSES, NAMESPACES, VOLUMES
from tests.fake.apiserver import FakeApiServer, Fault
from tests.fake.kubeconfig import kubeconfig
from tests.unit.cli.given import restore
from tests.unit.controller.given import (
    ANOTHER_ID,
    BY_CLAIM,
    ID,
    NAME,
    a_claim,
    a_class,
    a_volume,
    ref,
)
from tests.unit.exports.given import Leading, published

IDENTITY = "the export's id matches the volumes"
RECORDS = "the directories are the ones in their records"
ORIGIN = "the records are this cluster's"
SERVED = "every volume is on an export that Holdfast serves"
INHERITED = "every volume of nfs-subdir can be recorded"
PRESENT = "every volume has its directory and its record"
ADDRESS = "the volumes on the export use a known address of it"
AT = ("--nfs-server", "nas", "--nfs-path", "/srv")


class Bench:
    """A cluster with one class, and an export at `root`."""

    def __init__(self, server: FakeApiServer, root: Path, folder: Path) -> None:
        self.server, self.root = server, root
        self._kubeconfig = kubeconfig(server, folder)
        server.objects.create(CLASSES.path(), a_class({"pathPattern": BY_CLAIM}))
        made = server.objects.create(NAMESPACES.path(), {"metadata": {"name": "kube-system"}})
        self.cluster = made["metadata"]["uid"]

    def add(
        self,
        uid: str = "1",
        *,
        server: str = "nas",
        export_id: str = ID,
        directory: str = "team/data",
        **given: Any,
    ) -> None:
        """A volume, of which nothing is on the export."""
        made = a_volume(ref(uid), directory, server=server, export_id=export_id, **given)
        self.server.objects.create(VOLUMES.path(), made)

    def publish(self, uid: str = "1", directory: str = "", *, shared: bool = False) -> None:
        """A volume with its directory and its record, on an export with its id."""
        Export(self.root).initialise(ID)
        directory = directory or f"team/data-{uid}"
        published(Leading(self.root, cluster=self.cluster), uid, directory, shared=shared)
        self.add(uid, directory=directory)

    def record(self, uid: str = "1") -> Path:
        return self.root / f".holdfast/volumes/pvc-{uid}"

    def check(self, *options: str) -> Result:
        given = ["--provisioner-name", NAME, "--kubeconfig", self._kubeconfig]
        given += [] if "--config" in options else ["--root", str(self.root)]
        return CliRunner().invoke(main, ["check", *given, *options])

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
    assert f"ok    {ADDRESS}" in said
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


def test_nor_are_those_of_a_cluster_that_is_taken_over(bench: Bench) -> None:
    Export(bench.root).initialise(ID)
    gone = "00000000-0000-4000-8000-00000000dead"
    published(Leading(bench.root, cluster=gone), "1", "team/data-1")
    bench.add()
    restore(bench.root)

    assert f"ok    {RECORDS}" in bench.check(*AT).output
    assert f"1 volume has a record of another cluster ({gone})" in bench.advice(ORIGIN, *AT)
    assert f"ok    {ORIGIN}" in bench.check(*AT, "--takes-over", gone).output
    assert bench.advice(RECORDS, *AT, "--takes-over", gone).startswith("1 directory is not the")


def test_inherited_volumes_of_another_server_or_path_fail(bench: Bench) -> None:
    """A former address of the server, the likeliest mistake of a switch, went unnoticed."""
    bench.add("1", server="192.0.2.9", annotated=False, export_id="", directory="team-data-pvc-1")
    advice = bench.advice(SERVED, *AT)

    assert advice.startswith("1 volume of this provisioner is at 192.0.2.9:/srv, which")
    assert SERVED not in bench.check().output


class TestMissing:
    """What volumes lack fails as `exports show` has it (design, rule 9)."""

    @pytest.mark.parametrize("where", [(), AT])
    def test_whole_volumes_are_ok(self, bench: Bench, where: tuple[str, ...]) -> None:
        for uid in "12":
            bench.publish(uid, "shared", shared=True)
        bench.publish("3")

        done = bench.check(*where)

        assert (done.exit_code, f"ok    {PRESENT}" in done.output) == (0, True)

    @pytest.mark.parametrize("where", [(), AT])
    def test_directories_and_records_are_counted_with_what_to_do(
        self, bench: Bench, where: tuple[str, ...]
    ) -> None:
        for uid in "1234":
            bench.publish(uid)
        (bench.root / "team/data-1").rmdir()
        bench.record("2").unlink()
        bench.record("3").write_text("half a rec")

        advice = bench.advice(PRESENT, *where)

        assert bench.check(*where).exit_code == 1
        assert advice == (
            "1 directory is missing and 2 records are missing or cannot be parsed: restore them "
            "before you delete a claim; `holdfast exports show -o wide` names them"
        )

    def test_an_export_without_records_fails(self, bench: Bench) -> None:
        for uid in "12":
            bench.publish(uid)
            bench.record(uid).unlink()

        assert bench.advice(PRESENT, *AT).startswith("2 records are missing or cannot be parsed:")

    def test_a_directory_of_another_record_is_missing(self, bench: Bench) -> None:
        """As after a restore, of a path that was used again."""
        bench.publish("1", "apps/db")
        bench.server.objects.by_path.pop(VOLUMES.path(name="pvc-1"))
        bench.add("9", directory="apps/db")

        advice = bench.advice(PRESENT, *AT)

        assert advice.startswith("1 directory is missing or another volume's and 1 record is ")

    @pytest.mark.parametrize("where", [(), AT])
    @pytest.mark.parametrize("export_id", ["", ID])
    def test_inherited_volumes_get_their_record_at_the_first_start(
        self, bench: Bench, where: tuple[str, ...], export_id: str
    ) -> None:
        """A switch from nfs-subdir, before it and right after."""
        if export_id:
            Export(bench.root).initialise(ID)
        (bench.root / "team/data").mkdir(parents=True)
        bench.add(annotated=False)

        done = bench.check(*where)

        assert (done.exit_code, f"ok    {PRESENT}" in done.output) == (0, True)

    @pytest.mark.parametrize("phase", ["Bound", "Released"])
    def test_an_inherited_volume_that_is_not_recorded_is_told_with_the_way_out(
        self, bench: Bench, phase: str
    ) -> None:
        """All was said to be ok, while Holdfast refused to reclaim it for ever."""
        Export(bench.root).initialise(ID)
        for uid in "12":
            (bench.root / f"made/up-{uid}").mkdir(parents=True)
            bench.add(uid, directory=f"made/up-{uid}", annotated=False, phase=phase)

        advice = bench.advice(INHERITED, *AT)

        assert advice == (
            "volume pvc-1 has no record on the export and no naming rule gives the directory "
            "'made/up-1': its data is left alone; handle the directory by hand, then set the "
            "volume's reclaim policy to Retain and delete it; and 1 more volume: `holdfast exports "
            "show -o wide` says why"
        )
        assert f"ok    {PRESENT}" in bench.check(*AT).output

    def test_one_that_is_retained_may_stay_without_a_record(self, bench: Bench) -> None:
        Export(bench.root).initialise(ID)
        (bench.root / "made-up").mkdir(parents=True)
        bench.add(directory="made-up", annotated=False, policy="Retain")

        assert f"ok    {INHERITED}" in bench.check(*AT).output

    def test_the_claim_s_labels_may_give_the_directory(self, bench: Bench) -> None:
        Export(bench.root).initialise(ID)
        bench.server.objects.create(
            CLASSES.path(),
            a_class({"pathPattern": "${.PVC.labels.at}"}) | {"metadata": {"name": "labels"}},
        )
        made = a_volume(ref(), "label", annotated=False)
        made["spec"]["storageClassName"] = "labels"
        bench.server.objects.create(VOLUMES.path(), made)
        (bench.root / "label").mkdir()
        assert "no naming rule" in bench.advice(INHERITED, *AT)

        claim = a_claim(ref())
        claim["metadata"]["labels"] = {"at": "label"}
        bench.server.objects.create(CLAIMS.path("team"), claim)

        assert f"ok    {INHERITED}" in bench.check(*AT).output

    def test_the_directory_of_an_inherited_volume_is_missed(self, bench: Bench) -> None:
        bench.add(annotated=False)
        bench.add("2", directory="team/other", annotated=False)
        (bench.root / "team/other").mkdir(parents=True)  # else another export is mounted

        assert bench.advice(PRESENT, *AT).startswith("1 directory is missing: restore")

    @pytest.mark.parametrize(
        "given",
        [
            {"phase": "Released"},
            {"export_id": ANOTHER_ID},
            {"server": "another", "export_id": ANOTHER_ID},
        ],
    )
    def test_volumes_that_are_reclaimed_or_elsewhere_need_nothing_here(
        self, bench: Bench, given: dict[str, str]
    ) -> None:
        bench.publish("1")
        bench.add("2", directory="team/other", **given)

        assert f"ok    {PRESENT}" in bench.check(*AT).output

    def test_a_released_volume_with_the_policy_retain_keeps_its_directory(
        self, bench: Bench
    ) -> None:
        bench.publish("1")
        bench.add("2", directory="team/other", phase="Released", policy="Retain")

        assert bench.advice(PRESENT, *AT).startswith("1 directory is missing and 1 record is")

    def test_a_record_that_cannot_be_parsed_and_has_no_volume_is_no_failure(
        self, bench: Bench
    ) -> None:
        bench.publish("1")
        bench.record("2").write_text("half a rec")

        assert f"ok    {PRESENT}" in bench.check(*AT).output

    @pytest.mark.parametrize("change", ["made", "reclaimed", "released"])
    def test_what_changes_meanwhile_is_looked_at_again(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, change: str
    ) -> None:
        bench.publish("1")
        path = VOLUMES.path(name="pvc-1")

        def meanwhile(root: Path, volumes: Collection[str] | None = None) -> dict[str, Held]:
            if volumes is not None:
                return records_on(root, volumes)
            (bench.root / "team/data-1").rmdir()
            bench.record().unlink()
            held = records_on(root)
            if change == "made":
                published(Leading(bench.root, cluster=bench.cluster), "1", "team/data-1")
            elif change == "reclaimed":
                bench.server.objects.by_path.pop(path)
            else:
                bench.server.objects.patch(path, {"status": {"phase": "Released"}})
            return held

        monkeypatch.setattr(compare_volumes, "records_on", meanwhile)

        assert f"ok    {PRESENT}" in bench.check(*AT).output

    def test_each_record_is_read_once(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of those that lack nothing, also if one lacks its directory."""
        for uid in "123":
            bench.publish(uid)
        (bench.root / "team/data-1").rmdir()
        read = list[str]()

        def counted(handle: int, folder: str, volume: str) -> Record:
            record = read_record(handle, folder, volume)
            read.append(volume)
            return record

        for module in (records, ledger, restored_from_backup):
            monkeypatch.setattr(module, "read_record", counted)
        bench.check(*AT)

        assert sorted(read) == ["pvc-1", "pvc-1", "pvc-2", "pvc-3"]

    @pytest.mark.parametrize("number", [1, 2])
    def test_an_export_that_fails_meanwhile_is_a_line(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        bench.publish()
        (bench.root / "team/data-1").rmdir()
        calls = count(1)

        def failing(root: Path, volumes: Collection[str] | None = None) -> dict[str, Held]:
            if next(calls) == number:
                raise Failed("cannot read the records: Input/output error")
            return records_on(root, volumes)

        monkeypatch.setattr(compare_volumes, "records_on", failing)

        assert bench.advice(RECORDS, *AT) == "cannot read the records: Input/output error"


def test_volumes_that_name_the_server_otherwise_are_told(bench: Bench) -> None:
    bench.add(server="old")
    Export(bench.root).initialise(ID)

    assert "names its server as old: add it to" in bench.advice(ADDRESS, *AT)
    assert f"ok    {ADDRESS}" in bench.check(*AT, "--nfs-server-alias", "old").output


@pytest.mark.parametrize("path", ["/", "/export"])
def test_a_mistyped_path_is_told_and_no_directory_is_said_to_be_missing(
    bench: Bench, path: str
) -> None:
    """`check` said that all directories were missing, or that all was ok."""
    bench.publish()
    bench.publish("2")
    at = ("--nfs-server", "nas", "--nfs-path", path)

    advice = bench.advice(IDENTITY, *at)

    assert "2 volumes of this provisioner that are on this export name it as nas:/srv" in advice
    assert "set NFS_PATH (chart: nfs.path; several exports: exports[].path) to /srv" in advice
    assert "missing" not in bench.check(*at).output


def test_one_volume_of_several_at_another_path_is_told(bench: Bench) -> None:
    bench.publish()
    made = a_volume(ref("2"), "team/data-2")
    made["spec"]["nfs"]["path"] = "/srv/nfs/team/data-2"
    bench.server.objects.create(VOLUMES.path(), made)

    assert "1 volume of this" in bench.advice(ADDRESS, *AT)
    assert f"ok    {PRESENT}" in bench.check(*AT).output


def test_what_may_not_be_read_is_named(bench: Bench) -> None:
    """And all that may be is checked."""
    bench.server.fail("list", Fault(403, "Forbidden"))

    said = bench.check().output

    assert "FAILS read StorageClasses and claims\n      fault 403" in said
    assert "ok    the volumes' reclaim actions are valid" in said

    bench.server.fail("list", Fault(403, "Forbidden"), times=9)

    assert "FAILS read the volumes\n" in (said := bench.check().output)
    assert "reach the API server" not in said


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
        bench.publish()
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

    def test_advice_names_the_export(self, bench: Bench, config: str) -> None:
        (bench.root / ".holdfast/export").unlink()

        advice = bench.advice(f"export fast: {IDENTITY}", "--config", config)

        assert "run `holdfast exports accept --export fast`" in advice

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

    def test_a_class_that_is_served_from_another_export_than_its_volumes_are_on_is_noted(
        self, bench: Bench, config: str
    ) -> None:
        """After the switch of several installations, a class may lack the parameter."""
        bench.server.objects.patch(
            VOLUMES.path(name="pvc-1"), {"spec": {"nfs": {"path": "/slow/team/data-1"}}}
        )

        said = bench.check("--config", config).output

        what = "StorageClass 'nfs' is served from export fast, and has 1 volume on slow"
        assert f"note  {what}" in said
        assert "create the class again with the parameter `export: slow`" in said

    def test_a_volume_of_an_export_that_is_left_out_fails(self, bench: Bench, config: str) -> None:
        assert f"ok    {SERVED}" in bench.check("--config", config).output
        bench.add("2", server="ssd", export_id=ANOTHER_ID, directory="team/other")

        advice = bench.advice(SERVED, "--config", config)
        assert advice.startswith("1 volume of this provisioner is at ssd:/srv, which it does not")

    def test_one_that_is_listed_twice_fails(
        self, bench: Bench, config: str, tmp_path: Path
    ) -> None:
        once = "every export of the file is listed once"
        assert f"ok    {once}" in bench.check("--config", config).output
        (tmp_path / "again").symlink_to(bench.root)
        with Path(config).open("a", encoding="utf-8") as file:
            mount = tmp_path / "again"
            file.write(f"  - {{name: again, server: 192.0.2.7, path: /srv, mount: {mount}}}\n")

        advice = bench.advice(once, "--config", config)

        assert advice.startswith(f"exports fast and again are the same export, {ID}: list it once")

    def test_an_address_beside_the_file_is_a_wrong_option(self, bench: Bench, config: str) -> None:
        done = bench.check("--config", config, *AT)

        assert done.exit_code == 2
        assert "--config lists the exports" in done.output
