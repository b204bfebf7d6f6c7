"""`holdfast exports accept`: a way out of each refusal that names it, and safe to call again."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from click import Command
from click.testing import CliRunner, Result

from holdfast.claims import constants
from holdfast.claims.parameters import Action
from holdfast.cli.accept_export import accept
from holdfast.cli.file_system import file_system_at
from holdfast.cli.show_export import show
from holdfast.controller.export_id_check import refuse_another
from holdfast.exports.errors import ExportError, Fenced, WrongExport
from holdfast.exports.export import Export
from holdfast.exports.interface import ExportInfo, Leader
from holdfast.kube.resources import NAMESPACES, VOLUMES, Json
from tests.fake.apiserver import FakeApiServer, Fault
from tests.fake.kubeconfig import kubeconfig
from tests.unit.cli.given import restore
from tests.unit.controller.given import ADDRESS, ANOTHER_ID, ID, NAME, a_volume, ref, volume
from tests.unit.exports.given import Leading, plan, published, visible

FORMER = "former.example.com/nfs"
GONE = "00000000-0000-4000-8000-00000000dead"


class Bench:
    """A cluster, an export that is mounted at `root`, and who types."""

    def __init__(self, server: FakeApiServer, root: Path, folder: Path) -> None:
        self.server, self.root = server, root
        self._given = ["--provisioner-name", NAME, "--nfs-server", "nas", "--nfs-path", "/srv"]
        self._given += ["--kubeconfig", kubeconfig(server, folder), "--root", str(root)]
        made = server.objects.create(NAMESPACES.path(), {"metadata": {"name": "kube-system"}})
        self.cluster = made["metadata"]["uid"]

    def add(
        self,
        uid: str = "1",
        *,
        export_id: str = ID,
        by: str = NAME,
        path: str = "",
        server: str = "nas",
        has_directory: bool = True,
        directory: str = "",
        phase: str = "Bound",
        policy: str = "Delete",
        on_delete: str = "delete",
        annotated: bool = True,
    ) -> None:
        """A volume, and its directory on the export."""
        directory = directory or (f"team/data-{uid}" if annotated else f"team-data-pvc-{uid}")
        made = a_volume(
            ref(uid),
            directory,
            server=server,
            export_id=export_id,
            policy=policy,
            annotated=annotated,
        )
        made["status"]["phase"] = phase
        if annotated:
            made["metadata"]["annotations"][constants.ON_DELETE] = on_delete
        made["metadata"]["annotations"][constants.PROVISIONED_BY] = by
        made["spec"]["nfs"]["path"] = path or made["spec"]["nfs"]["path"]
        self.server.objects.create(VOLUMES.path(), made)
        if has_directory:
            (self.root / directory).mkdir(parents=True)

    def accept(self, *options: str, answer: str = "", is_asked: bool = False) -> Result:
        """The command; it is not asked where no answer is given."""
        options = (*options, *([] if answer or is_asked else ["--yes"]))
        return CliRunner().invoke(accept, [*self._given, *options], input=answer)

    def shown(self, *options: str) -> str:
        """What `exports show` says."""
        done = CliRunner().invoke(show, [*self._given, *options])
        assert done.exit_code == 0, done.output
        return done.output

    def accepted(self, *options: str) -> str:
        """What it says where all went well."""
        done = self.accept(*options)
        assert done.exit_code == 0, done.output
        return done.output

    def refused(self, *options: str) -> str:
        """Why it does nothing; the export is as before."""
        before = self.held()
        done = self.accept(*options)
        assert done.exit_code == 1, done.output
        assert self.held() == before
        return done.output

    def held(self) -> ExportInfo:
        return Export(self.root).inspect_damaged()

    def named(self) -> list[str]:
        """The export id that each volume names."""
        volumes = self.server.objects.page(VOLUMES.path(), 100, "")["items"]
        return [one["metadata"]["annotations"].get(constants.EXPORT, "") for one in volumes]

    def refusal(self) -> str:
        """Why the provisioner does not work on the export; empty if it does."""
        shown: dict[str, str] = json.loads(self.shown("-o", "json"))
        return shown["wrong"]

    def give(self, export_id: str) -> None:
        Export(self.root).initialise(export_id)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    root = tmp_path / "export"
    root.mkdir()
    with FakeApiServer() as server:
        yield Bench(server, root, tmp_path)


class TestId:
    """The export gets the id that the volumes name."""

    def test_the_one_that_is_named_is_written_and_then_there_is_nothing_to_do(
        self, bench: Bench
    ) -> None:
        bench.add("1")
        bench.add("2")

        assert f"has the id {ID} now" in bench.accepted()
        assert bench.held().id == ID
        again = bench.accepted()

        assert f"has the id {ID} already" in again
        assert "there is nothing to do" in again

    def test_it_is_asked_first_and_told_why(self, bench: Bench) -> None:
        bench.add("1")

        done = bench.accept(answer="n\n")

        assert done.exit_code == 1
        assert f"the id {ID}, named by 1 volume?" in done.output
        assert bench.held() == ExportInfo()

    @pytest.mark.parametrize("export_id", ["", ID])
    def test_without_a_terminal_it_says_how_to_do_without(
        self, bench: Bench, export_id: str
    ) -> None:
        bench.add(has_directory=not export_id)
        if export_id:
            bench.give(export_id)
            published(Leading(bench.root, cluster=bench.cluster), "1", "team/data-1")
            restore(bench.root)

        done = bench.accept(is_asked=True)

        assert done.exit_code == 1
        assert "Error: no terminal to ask for confirmation: add --yes" in done.output
        assert bench.held().id == export_id

    def test_a_no_changes_nothing_and_says_so(self, bench: Bench) -> None:
        bench.add()

        assert "Error: nothing was changed" in bench.accept(answer="n\n").output

    def test_volumes_of_a_former_name_count(self, bench: Bench) -> None:
        bench.add(by=FORMER)

        assert "nothing to accept" in bench.refused()
        bench.accepted("--also-known-as", FORMER)

        assert bench.held().id == ID

    @pytest.mark.parametrize(("by", "path"), [("example.com/other", ""), (NAME, "/elsewhere/x")])
    def test_those_of_others_and_elsewhere_do_not(self, bench: Bench, by: str, path: str) -> None:
        bench.add(by=by, path=path)

        assert "nothing to accept" in bench.refused()

    def test_volumes_at_another_server_are_told_of(self, bench: Bench) -> None:
        for uid in "12":
            bench.add(uid, server="old")
        bench.add("3", server="old", by="example.com/other")
        bench.add("4", server="old", path="/elsewhere/x")

        said = " ".join(bench.refused().split())

        assert "nothing to accept" in said
        assert "2 volumes of this provisioner are on old: if that is this server" in said
        assert "--nfs-server-alias" in said

        bench.accepted("--nfs-server-alias", "old")
        assert bench.held().id == ID

    @pytest.mark.parametrize("path", ["/srv/team", "/export"])
    def test_volumes_that_all_name_another_path_are_told_and_nothing_is_accepted(
        self, bench: Bench, path: str
    ) -> None:
        bench.give(ID)
        bench.add("1", path=f"{path}/team/data-1")
        bench.add("2", path=f"{path}/team/data-2")
        said = f"2 volumes of this provisioner that are on this export name it as nas:{path}"

        assert said in bench.refused()
        assert said in bench.refusal()
        assert f"other address  nas:{path} (2 volumes)" in bench.shown()
        assert "directories    0 of 0" in bench.shown()

    def test_one_of_several_at_another_path_is_told(self, bench: Bench) -> None:
        bench.give(ID)
        bench.add("1")
        bench.add("2", path="/export/team/data-2")
        said = "1 volume of this provisioner that is on this export names it as nas:/export"

        assert said in bench.accepted()
        assert said in bench.shown()
        assert bench.refusal() == ""

    def test_volumes_of_version_1_get_an_export_with_a_new_id(self, bench: Bench) -> None:
        """The controller refuses an export without records, and names this command."""
        with pytest.raises(WrongExport, match="exports accept"):
            refuse_another(bench.held(), [volume(export_id="")], ADDRESS, lambda _: True)
        bench.add(export_id="")

        assert "a new one: 1 volume of version 1" in bench.accept(answer="n\n").output
        bench.accepted()

        refuse_another(bench.held(), [volume(export_id="")], ADDRESS, lambda _: True)
        assert bench.held().id in bench.accepted()

    def test_an_export_of_version_1_gets_its_id_by_itself(self, bench: Bench) -> None:
        bench.add(export_id="")
        (bench.root / ".holdfast").mkdir()

        assert "The provisioner itself gives" in bench.refused()

    def test_one_of_several_is_chosen_by_a_person(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2")
        bench.add("3", export_id=ANOTHER_ID)

        assert f"{ID} (2 volumes), {ANOTHER_ID} (1 volume); choose with --id" in bench.refused()
        bench.accepted("--id", ANOTHER_ID)

        assert bench.held().id == ANOTHER_ID
        bench.accepted()  # which is one of them

    @pytest.mark.parametrize("named", [ID, ""])
    def test_an_id_that_no_volume_names_is_refused_unless_that_is_meant(
        self, bench: Bench, named: str
    ) -> None:
        bench.add(export_id=named)

        said = bench.refused("--id", ANOTHER_ID)
        assert f"no volume of the cluster names the id {ANOTHER_ID}" in said
        assert "--allow-unnamed" in said
        bench.accepted("--id", ANOTHER_ID, "--allow-unnamed")

        assert bench.held().id == ANOTHER_ID

    @pytest.mark.parametrize("wrong", ["", "bogus", ID[:-1], f"{{{ID}}}", ID.replace("-", "")])
    def test_an_id_that_is_no_uuid_is_a_wrong_option(self, bench: Bench, wrong: str) -> None:
        bench.add()

        done = bench.accept("--id", wrong)

        assert done.exit_code == 2
        assert f"{wrong!r} is not the id of an export" in done.output
        assert bench.held() == ExportInfo()

    def test_an_id_in_capitals_is_the_same_id(self, bench: Bench) -> None:
        bench.add()

        bench.accepted("--id", ID.upper())

        assert bench.held().id == ID

    def test_another_id_is_replaced_only_where_that_is_meant(self, bench: Bench) -> None:
        bench.add()
        bench.give(ANOTHER_ID)

        assert "add --replace" in bench.refused()
        asked = bench.accept("--replace", answer="n\n").output
        assert f"the id {ID}, named by 1 volume, in place of {ANOTHER_ID}?" in asked
        bench.accepted("--replace")

        assert bench.held().id == ID

    def test_a_damaged_id_is_written_anew(self, bench: Bench) -> None:
        bench.add()
        bench.give(ID)
        (bench.root / ".holdfast/export").write_text("half a fi")
        with pytest.raises(ExportError, match="exports accept"):
            Export(bench.root).inspect()

        bench.accepted()

        assert Export(bench.root).inspect().id == ID

    def test_an_export_of_a_later_version_is_left_alone(self, bench: Bench) -> None:
        bench.add()
        bench.give(ID)
        path = bench.root / ".holdfast/export"
        path.write_text(path.read_text().replace('"format": 2', '"format": 3'))

        done = bench.accept()

        assert done.exit_code == 1
        assert "upgrade Holdfast" in done.output

    def test_an_api_server_that_refuses_is_a_sentence(self, bench: Bench) -> None:
        bench.server.fail("list", Fault(403, "Forbidden"))

        assert "Error: " in bench.refused()


class TestWhatIsThere:
    """Volumes and their data are counted before anything is asked or done."""

    @pytest.mark.parametrize("export_id", [ID, ""])
    def test_an_export_with_none_of_the_directories_is_refused_unless_that_is_meant(
        self, bench: Bench, export_id: str
    ) -> None:
        for uid in "123":
            bench.add(uid, export_id=export_id, has_directory=False)

        said = " ".join(bench.refused().split())

        assert "0 of the 3 volumes' directories and 0 of their records are here" in said
        assert "looks like a different or an empty export" in said
        assert "add --allow-empty" in said
        assert "0 of the 3 volumes' directories" in bench.accepted("--allow-empty")

    def test_a_single_volume_whose_directory_is_not_there_is_one_too_few(
        self, bench: Bench
    ) -> None:
        bench.add(has_directory=False)

        said = bench.refused()

        assert "0 of the 1 volume's directories and 0 of its records are here" in said

    def test_records_alone_are_no_data(self, bench: Bench) -> None:
        bench.add(has_directory=False)
        bench.give(ANOTHER_ID)
        (bench.root / ".holdfast/volumes/pvc-1").touch()

        assert "0 of the 1 volume's directories and 1 of its records" in bench.refused("--replace")

    def test_the_numbers_are_in_the_question(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2", has_directory=False)
        bench.give(ANOTHER_ID)
        (bench.root / ".holdfast/trashed/pvc-2").touch()

        asked = bench.accept("--replace", answer="n\n").output

        assert "1 of the 2 volumes' directories and 1 of their records are here" in asked

    def test_those_of_the_id_that_is_not_chosen_do_not_count(self, bench: Bench) -> None:
        bench.add("1", has_directory=False)
        bench.add("2", export_id=ANOTHER_ID)

        assert "0 of the 1 volume's" in bench.refused("--id", ID)
        assert "1 of the 1 volume's" in bench.accepted("--id", ANOTHER_ID)

    def test_a_link_or_a_file_on_the_way_is_no_directory(self, bench: Bench) -> None:
        bench.add("1", has_directory=False)
        (bench.root / "team").touch()

        assert "0 of the 1 volume's directories" in bench.refused()

    def test_they_are_told_of_an_export_that_has_its_id_already(self, bench: Bench) -> None:
        bench.add(has_directory=False)
        bench.give(ID)

        assert "0 of the 1 volume's directories" in bench.accepted()


class TestVolumesWithoutAnId:
    """Inherited ones, or of version 1: without their directories, nothing tells the export."""

    @pytest.fixture(params=[True, False], ids=["version 1", "inherited"])
    def lost(self, bench: Bench, request: pytest.FixtureRequest) -> Bench:
        for uid in "12":
            bench.add(uid, export_id="", annotated=request.param, has_directory=False)
        return bench

    @pytest.mark.parametrize("held", ["", ANOTHER_ID])
    def test_an_export_with_none_of_them_is_theirs_only_where_that_is_meant(
        self, lost: Bench, held: str
    ) -> None:
        if held:
            lost.give(held)
        assert "exports accept" in lost.refusal()

        assert "add --allow-empty" in " ".join(lost.refused().split())
        assert lost.named() == ["", ""]
        done = lost.accepted("--allow-empty")

        assert "2 volumes without an export id get this one's (holdfast.io/export)" in done
        assert lost.held().id == held or not held
        assert lost.named() == [lost.held().id] * 2
        assert lost.refusal() == ""
        again = lost.accepted()
        assert f"has the id {lost.held().id} already" in again
        assert "there is nothing to do" in again

    @pytest.mark.parametrize("held", ["", ANOTHER_ID])
    def test_a_no_changes_neither_volumes_nor_export(self, lost: Bench, held: str) -> None:
        if held:
            lost.give(held)

        done = lost.accept("--allow-empty", answer="n\n")

        assert "Error: nothing was changed" in done.output
        assert lost.named() == ["", ""]
        assert lost.held().id == held

    def test_without_the_permission_to_change_them_the_export_is_as_before(
        self, lost: Bench
    ) -> None:
        lost.server.fail("patch", Fault(403, "Forbidden"))

        assert "Error: " in lost.refused("--allow-empty")

    def test_after_a_volume_was_changed_meanwhile_it_is_completed_by_the_next_run(
        self, lost: Bench
    ) -> None:
        change: Json = {"metadata": {"labels": {"by": "another"}}}
        path = VOLUMES.path(name="pvc-2")
        lost.server.meanwhile("patch", lambda _: lost.server.objects.patch(path, change))
        lost.refused("--allow-empty")
        [first] = {*lost.named()} - {""}

        lost.accepted("--allow-empty")

        assert lost.held().id == first
        assert lost.refusal() == ""

    def test_one_directory_is_enough_to_do_without(self, bench: Bench) -> None:
        bench.add("1", export_id="", annotated=False, has_directory=False)
        bench.add("2", export_id="", annotated=False)

        assert bench.refusal() == ""
        assert "nothing to accept" in " ".join(bench.refused("--allow-empty").split())
        bench.give(ID)
        assert "already" in bench.accepted("--allow-empty")

        assert bench.named() == ["", ""]


class TestWithoutRecords:
    """Volumes that Holdfast will not reclaim are told of before the question."""

    def test_an_export_that_was_restored_without_holdfast_s_folder(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2")
        bench.add("3", annotated=False)

        asked = bench.accept(answer="n\n").output

        sentence = (
            "2 volumes have no record: Holdfast will not reclaim them. Restore .holdfast from a "
            "backup before you go on"
        )
        assert sentence in asked
        assert asked.index(sentence) < asked.index("Give the export")
        assert sentence in bench.accepted()
        assert sentence in bench.accepted()  # which finds nothing to do

    def test_those_without_a_directory_are_not_said_to_be_left_alone(self, bench: Bench) -> None:
        """Each is deleted with its claim, and was said not to be reclaimed."""
        bench.add("1", has_directory=False)
        bench.add("2", has_directory=False)

        said = bench.accepted("--allow-empty")

        assert "2 volumes have neither a record nor their directory: Holdfast deletes each" in said
        assert "will not reclaim" not in said
        bench.add("3")
        assert "1 volume has no record: Holdfast will not reclaim it" in bench.accepted()

    def test_records_that_cannot_be_parsed_are_told_of_too(self, bench: Bench) -> None:
        bench.add()
        bench.give(ID)
        (bench.root / ".holdfast/volumes/pvc-1").write_text("half a rec")

        said = bench.accepted()

        assert "1 record cannot be parsed: Holdfast will not reclaim its volume. Restore it" in said
        assert "no record" not in said

    @pytest.mark.parametrize("annotated", [True, False])
    def test_with_records_or_before_inherited_volumes_get_theirs_nothing_is_said(
        self, bench: Bench, *, annotated: bool
    ) -> None:
        bench.give(ID)
        bench.add(annotated=annotated)
        if annotated:
            (bench.root / "team/data-1").rmdir()
            published(Leading(bench.root, cluster=bench.cluster), "1", "team/data-1")

        assert "reclaim" not in bench.accepted()


class TestShow:
    """What is mounted, beside what the volumes name; nothing is changed."""

    def test_json_has_the_ids_and_servers_with_their_numbers(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2", has_directory=False)
        bench.add("3", export_id=ANOTHER_ID)
        bench.add("4", export_id="")
        bench.add("5", server="old")
        bench.add("6", by="example.com/other")
        bench.give(ID)
        (bench.root / ".holdfast/creating/pvc-1").touch()

        shown = json.loads(bench.shown("-o", "json"))
        found = [(one["volume"], one["finding"]) for one in shown.pop("findings")]

        assert ("pvc-2", "missing-directory") in found
        assert "pvc-5" not in dict(found)
        assert "on old: if that is this server" in shown.pop("hint")
        assert shown == {
            "root": str(bench.root),
            "file_system": file_system_at(bench.root),
            "id": ID,
            "format": 2,
            "server": "nas",
            "path": "/srv",
            "wrong": "",
            "volumes": 4,
            "ids": {ID: 2, ANOTHER_ID: 1},
            "other_addresses": {"old:/srv": 1},
            "directories": 3,
            "records": 1,
        }

    def test_text_says_the_same(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("4", export_id="")
        bench.add("5", server="old")
        bench.give(ID)
        kind = file_system_at(bench.root)

        lines = [line.split(maxsplit=1) for line in bench.shown().splitlines()]

        assert ["id", ID] in lines
        assert ["file", f"system    {kind}, not nfs: is nas:/srv mounted there?"] in lines
        assert ["directories", "2 of 2"] in lines
        assert ["volumes", f"name   {ID} (1 volume)"] in lines
        assert ["volumes", "name   no id (1 volume)"] in lines
        assert ["other", "address  old:/srv (1 volume)"] in lines

    @pytest.mark.parametrize("held", [ANOTHER_ID, ""])
    def test_a_wrong_export_is_shown_with_the_reason(self, bench: Bench, held: str) -> None:
        bench.add(has_directory=False)
        if held:
            bench.give(held)
        before = bench.held()

        assert f"not {ID}: mount that one" in json.loads(bench.shown("-o", "json"))["wrong"]
        assert "wrong export" in bench.shown()
        assert bench.held() == before

    def test_an_export_that_is_not_there_is_a_sentence(self, bench: Bench) -> None:
        bench.root.rmdir()

        done = CliRunner().invoke(show, bench._given)

        assert done.exit_code == 1
        assert "Error: cannot open the export's root" in done.output


class TestShowFindings:
    """What is to be known of single volumes and records, which the plain text counts."""

    @pytest.fixture
    def export(self, bench: Bench) -> Leading:
        bench.give(ID)
        return Leading(bench.root, cluster=bench.cluster)

    def test_directories_of_a_restore_and_released_volumes_are_counted_and_listed(
        self, bench: Bench, export: Leading
    ) -> None:
        for uid in "12":
            published(export, uid, f"team/data-{uid}")
        export.reclaim("pvc-2", "2", Action.ARCHIVE)
        bench.add("1", has_directory=False, phase="Released")
        assert "other inodes" not in bench.shown()
        restore(bench.root)

        text, wide, found = (bench.shown("-o", kind) for kind in ("text", "wide", "json"))

        assert "other inodes   2 directories (1 archived, 1 of volumes) are not the ones" in text
        assert "run `holdfast exports accept`" in text
        assert "released       1 volume, which will be reclaimed" in text
        assert "not in use     1 archived" in text
        archived = "archived-data-2"
        rows = [
            ["pvc-1", "team/data-1", "team/data-1", "another-directory", ""],
            ["pvc-2", "team/data-2", archived, "another-directory", "archived"],
            ["pvc-1", "team/data", "team/data-1", "released", "delete"],
            ["pvc-2", "team/data-2", archived, "archived", ""],
        ]
        assert [list(one.values()) for one in json.loads(found)["findings"]] == rows
        lines = [" ".join(line.split()) for line in wide.splitlines()]
        assert "VOLUME CLAIM DIRECTORY FINDING DETAIL" in lines
        assert lines[-4:] == [" ".join(row).strip() for row in rows]
        assert wide.startswith(
            text.removesuffix("-o wide names what is missing, released or not in use\n")
        )

    def test_what_is_missing_is_named(self, bench: Bench, export: Leading) -> None:
        for uid in "13":
            published(export, uid, f"team/data-{uid}")
        bench.add("1", has_directory=False)
        (bench.root / "team/data-1").rmdir()
        bench.add("2")
        bench.add("3", has_directory=False)
        (bench.root / ".holdfast/volumes/pvc-3").write_text("half a fi")

        findings = json.loads(bench.shown("-o", "json"))["findings"]

        reason = findings[2].pop("detail")
        assert "cannot parse the record" in reason
        assert [list(one.values()) for one in findings] == [
            ["pvc-1", "team/data", "team/data-1", "missing-directory", ""],
            ["pvc-2", "team/data", "team/data-2", "missing-record", ""],
            ["pvc-3", "team/data", "team/data-3", "unreadable-record"],
        ]
        assert "records        2 of 3, 1 unreadable" in bench.shown()

    def test_a_path_that_was_used_again_is_not_the_volumes_directory_after_a_restore(
        self, bench: Bench, export: Leading
    ) -> None:
        """The backup has the record of its former volume alone."""
        published(export, "1", "apps/db")
        bench.add("9", directory="apps/db", has_directory=False)

        shown = json.loads(bench.shown("-o", "json"))

        assert (shown["directories"], shown["records"], shown["volumes"]) == (0, 0, 1)
        whose = "of volume pvc-1 of claim team/data-1"
        assert [list(one.values()) for one in shown["findings"]] == [
            ["pvc-9", "team/data", "apps/db", "other-volume", whose],
            ["pvc-9", "team/data", "apps/db", "missing-record", ""],
            [
                "pvc-1",
                "team/data-1",
                "apps/db",
                "no-volume",
                "its path is that of volume pvc-9 now",
            ],
        ]
        assert "directories    0 of 1" in bench.shown()

    @pytest.mark.parametrize("directory", ["apps", "apps/db/sub"])
    def test_nor_is_one_above_or_beneath_a_recorded_directory(
        self, bench: Bench, export: Leading, directory: str
    ) -> None:
        published(export, "1", "apps/db")
        (bench.root / "apps/db/sub").mkdir()
        bench.add("9", directory=directory, has_directory=False)

        assert "directories    0 of 1" in bench.shown()

    @pytest.mark.parametrize(
        ("directory", "former"),
        [
            ("apps/db", {"directory": "apps/other"}),
            ("apps/db", {"directory": "apps/db", "shared": True}),
            ("apps/db2", {"directory": "apps/db"}),
        ],
    )
    def test_a_directory_of_its_own_or_one_that_is_shared_counts(
        self, bench: Bench, export: Leading, directory: str, former: dict[str, Any]
    ) -> None:
        published(export, "1", **former)
        (bench.root / directory).mkdir(parents=True, exist_ok=True)
        bench.add("9", directory=directory, has_directory=False)

        assert "directories    1 of 1" in bench.shown()

    def test_an_inherited_volume_without_a_record_is_said_to_be_recorded_if_the_rules_fit(
        self, bench: Bench
    ) -> None:
        bench.add("1", annotated=False)

        [entry] = json.loads(bench.shown("-o", "json"))["findings"]

        assert entry["finding"] == "missing-record"
        assert entry["detail"] == "inherited: Holdfast records it at its next start"

    def test_one_that_no_rule_gives_or_that_clashes_is_not_said_to_be_reclaimed(
        self, bench: Bench, export: Leading
    ) -> None:
        """They are refused for ever, and were said to be reclaimed as their class says."""
        published(export, "3", "team-data-pvc-2")
        bench.add("3", directory="team-data-pvc-2", has_directory=False)
        bench.add("1", annotated=False, directory="made/up", phase="Released")
        bench.add("2", annotated=False, has_directory=False, phase="Released")

        findings = json.loads(bench.shown("-o", "json"))["findings"]

        assert [(one["volume"], one["finding"]) for one in findings] == [
            ("pvc-1", "refused-record"),
            ("pvc-2", "refused-record"),
        ]
        assert "no naming rule gives the directory 'made/up'" in findings[0]["detail"]
        assert (
            "'team-data-pvc-2' is or overlaps the directory of volume pvc-3 of claim team/data"
            in findings[1]["detail"]
        )
        assert "records        1 of 3" in bench.shown()
        assert "which will be reclaimed" not in bench.shown()
        said = "2 volumes of nfs-subdir cannot be recorded: Holdfast will not reclaim them"
        assert said in bench.accepted()

    def test_a_volume_without_a_claim_names_none(self, bench: Bench) -> None:
        bench.add("1")
        bench.server.objects.patch(VOLUMES.path(name="pvc-1"), {"spec": {"claimRef": None}})

        [entry] = json.loads(bench.shown("-o", "json"))["findings"]

        assert entry["claim"] == ""

    def test_one_whose_record_names_another_directory_is_not_said_to_be_reclaimed(
        self, bench: Bench, export: Leading
    ) -> None:
        published(export, "1", "other")
        bench.add("1", phase="Released")

        assert "which will be reclaimed" not in bench.shown()

    def test_a_directory_that_lost_its_record_is_named(self, bench: Bench, export: Leading) -> None:
        """As after a damaged record was removed, and then its volume."""
        for uid, directory in ("1", "deep/er/data"), ("2", "gone"), ("3", "used"):
            published(export, uid, directory)
            (bench.root / f".holdfast/volumes/pvc-{uid}").unlink()
        (bench.root / "gone").rmdir()
        bench.add("3", directory="used", has_directory=False)
        export.create(plan("4", "in-the-making"))

        findings = json.loads(bench.shown("-o", "json"))["findings"]

        assert [list(one.values()) for one in findings] == [
            ["pvc-3", "team/data", "used", "missing-record", ""],
            ["pvc-1", "", "deep/er/data", "no-record", ""],
        ]
        assert "not in use     1 no-record" in bench.shown()

    def test_data_that_was_moved_away_is_said_to_be_missing(
        self, bench: Bench, export: Leading
    ) -> None:
        for uid, action in ("1", Action.ARCHIVE), ("2", Action.RETAIN), ("3", Action.DELETE):
            published(export, uid, f"old-{uid}")
            moved = export.reclaim(f"pvc-{uid}", uid, action)
            (bench.root / moved.place).rmdir()
        published(Leading(bench.root, cluster="other"), "4", "theirs")
        (bench.root / "theirs").rmdir()

        findings = json.loads(bench.shown("-o", "json"))["findings"]

        missing = "its directory is missing"
        assert [(one["finding"], one["detail"]) for one in findings] == [
            ("retained", missing),
            ("archived", missing),
            ("trashed", ""),
            ("other-cluster", f"live in cluster other; {missing}"),
        ]

    def test_directories_without_a_volume_are_named(self, bench: Bench, export: Leading) -> None:
        published(export, "1", "live")
        published(export, "2", "by-policy", policy="Retain")
        for uid, action in ("3", Action.RETAIN), ("4", Action.ARCHIVE), ("5", Action.DELETE):
            published(export, uid, f"old-{uid}")
            export.reclaim(f"pvc-{uid}", uid, action)
        export.create(plan("6", "in-the-making"))
        published(Leading(bench.root, cluster="other"), "7", "theirs")

        findings = json.loads(bench.shown("-o", "json"))["findings"]

        assert [list(one.values())[1:] for one in findings] == [
            ["team/data-1", "live", "no-volume", ""],
            ["team/data-2", "by-policy", "retained", ""],
            ["team/data-3", "old-3", "retained", ""],
            ["team/data-4", "archived-old-4", "archived", ""],
            ["team/data-5", ".holdfast/trash/pvc-5", "trashed", ""],
            ["team/data-7", "theirs", "other-cluster", "live in cluster other"],
        ]
        left = "2 retained, 1 archived, 1 trashed, 1 no-volume, 1 other-cluster"
        assert f"not in use     {left}" in bench.shown()


class TestSeveral:
    """One export of a file, by its name."""

    @pytest.fixture
    def given(self, bench: Bench, tmp_path: Path) -> list[str]:
        """Options with a file: fast is mounted at the bench's root, slow nowhere."""
        path = tmp_path / "exports.yaml"
        path.write_text(
            "exports:\n"
            f"  - {{name: fast, server: nas, path: /srv, mount: {bench.root}}}\n"
            f"  - {{name: slow, server: nas, path: /slow, mount: {tmp_path / 'slow'}}}\n"
        )
        named = bench._given.index("--nfs-server")
        others = bench._given[:named] + bench._given[named + 4 : -2]
        return [*others, "--config", str(path)]

    def test_one_that_is_named_is_shown_with_its_address_and_root(
        self, bench: Bench, given: list[str]
    ) -> None:
        bench.add()
        bench.give(ID)

        done = CliRunner().invoke(show, [*given, "--export", "fast", "-o", "json"])

        shown = json.loads(done.output)
        assert (shown["root"], shown["server"], shown["path"]) == (str(bench.root), "nas", "/srv")
        assert (shown["id"], shown["volumes"]) == (ID, 1)

    def test_one_that_is_named_is_accepted_in_the_name_of_its_own_lease(
        self, bench: Bench, given: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.add()
        leaders: list[Leader] = []
        monkeypatch.setattr(Export, "accept_restored", lambda _, leader, __: leaders.append(leader))
        options = [*given, "--export", "fast", "--yes"]
        assert CliRunner().invoke(accept, options).exit_code == 0
        assert bench.held().id == ID
        published(Leading(bench.root, cluster=bench.cluster), "2", "other")
        restore(bench.root)

        CliRunner().invoke(accept, options)

        assert leaders == [Leader(bench.cluster, "example.com-nfs-fast", ("example.com-nfs",))]

    @pytest.mark.parametrize("command", [show, accept])
    def test_the_file_is_named_for_another_name_of_the_server(
        self, bench: Bench, given: list[str], command: Command
    ) -> None:
        bench.add(server="old")

        said = CliRunner().invoke(command, [*given, "--export", "fast"]).output

        assert "if that is this server, add it to exports[].serverAliases\n" in said

    @pytest.mark.parametrize("command", [show, accept])
    def test_that_the_mounts_are_swapped_is_said(
        self, bench: Bench, given: list[str], command: Command
    ) -> None:
        """The export at the root of `fast` is that of `slow`."""
        bench.give(ID)
        bench.add(path="/slow/team/data-1")

        said = CliRunner().invoke(command, [*given, "--export", "fast"]).output

        assert (
            "this is export 'slow': 1 volume on it names it as nas:/slow, so the mounts are "
            "swapped; mount nas:/srv here\n" in said
        )
        assert "NFS_PATH" not in said

    def test_the_same_path_of_another_export_s_server_needs_no_alias(
        self, bench: Bench, given: list[str]
    ) -> None:
        """The file would then be refused, as the two exports would overlap."""
        path = Path(given[-1])
        path.write_text(
            path.read_text().replace("server: nas, path: /slow", "server: ssd, path: /srv")
        )
        bench.add(server="ssd")

        said = CliRunner().invoke(show, [*given, "--export", "fast"]).output

        assert "address        nas:/srv" in said
        assert "serverAliases" not in said

    def test_the_advice_of_show_names_the_export(self, bench: Bench, given: list[str]) -> None:
        bench.add()
        bench.give(ANOTHER_ID)

        said = CliRunner().invoke(show, [*given, "--export", "fast"]).output

        assert "run `holdfast exports accept --export fast`" in said

    @pytest.mark.parametrize("command", [show, accept])
    @pytest.mark.parametrize("export", [[], ["--export", "third"]])
    def test_without_one_of_them_their_names_are_listed(
        self, given: list[str], command: Command, export: list[str]
    ) -> None:
        done = CliRunner().invoke(command, [*given, *export])

        assert done.exit_code == 2
        assert "give --export one of fast, slow" in " ".join(done.output.split())

    @pytest.mark.parametrize("command", [show, accept])
    def test_without_a_file_the_address_is_needed(self, command: Command) -> None:
        done = CliRunner().invoke(command, ["--provisioner-name", NAME])

        assert done.exit_code == 2
        assert "Missing option '--nfs-server' (env var: 'NFS_SERVER')" in done.output


class TestRestored:
    """The export brought its id along, and its directories have other inodes."""

    @pytest.fixture
    def restored(self, bench: Bench) -> Bench:
        bench.add(has_directory=False)
        bench.give(ID)
        export = Leading(bench.root, cluster=bench.cluster)
        published(export, "1", "data")
        export.reclaim("pvc-1", "1", Action.DELETE)
        restore(bench.root)
        return bench

    def test_its_trash_can_be_emptied_then_and_there_is_nothing_more_to_do(
        self, restored: Bench
    ) -> None:
        assert "1 record written" in restored.accepted()
        assert "there is nothing to do" in restored.accepted()

        after = Leading(restored.root, cluster=restored.cluster)
        assert after.reap() == 0
        assert visible(restored.root) == []

    def test_the_volumes_are_named_first(self, restored: Bench) -> None:
        done = restored.accept(answer="n\n")

        assert done.exit_code == 1
        assert "pvc-1" in done.output
        assert "1 directory is not the one in its record" in restored.shown()

    def test_who_leads_may_begin_terms_in_between(
        self, restored: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fence = times(3, Export.accept_restored)
        monkeypatch.setattr(Export, "accept_restored", fence)

        assert "1 record written" in restored.accepted()

    def test_one_that_is_fenced_again_and_again_says_so(
        self, restored: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Export, "accept_restored", times(10, Export.accept_restored))

        assert "has ended" in restored.refused()

    def test_without_the_right_to_read_the_cluster_s_uid_it_is_unknown(
        self, restored: Bench
    ) -> None:
        """As the provisioner has it, which has no such right either; another's are left alone."""
        restored.server.fail("get", Fault(403, "Forbidden"))

        assert "there is nothing to do" in restored.accepted()


class TestRestoredForAnHeir:
    """The records are of a cluster that is gone, which this one takes over."""

    @pytest.fixture
    def restored(self, bench: Bench) -> Bench:
        bench.add(has_directory=False)
        bench.give(ID)
        published(Leading(bench.root, cluster=GONE), "1", "team/data-1")
        restore(bench.root)
        return bench

    def test_without_takes_over_its_directories_are_left_alone(self, restored: Bench) -> None:
        assert "there is nothing to do" in restored.accepted()
        assert "other inodes" not in restored.shown()

    def test_volumes_with_its_records_are_told(self, restored: Bench) -> None:
        """Their claims were deleted before anybody heard of it."""
        restored.server.objects.patch(VOLUMES.path(name="pvc-1"), {"status": {"phase": "Released"}})

        told = f"1 volume has a record of another cluster ({GONE})"
        assert f"other cluster  {told}" in restored.shown()
        assert told in restored.accepted()
        [entry, *_] = json.loads(restored.shown("-o", "json"))["findings"]
        assert (entry["finding"], entry["detail"]) == ("other-cluster-record", f"of cluster {GONE}")
        assert "will be reclaimed" not in restored.shown()
        assert "other cluster" not in restored.shown("--takes-over", GONE)

    def test_with_it_they_are_shown_and_accepted(self, restored: Bench) -> None:
        heir = ("--takes-over", GONE)

        assert "1 directory is not the one in its record" in restored.shown(*heir)
        assert "1 record written" in restored.accepted(*heir)
        assert "there is nothing to do" in restored.accepted(*heir)

    def test_its_records_are_not_said_to_be_another_cluster_s(self, restored: Bench) -> None:
        published(Leading(restored.root, cluster=GONE), "2", "team/data-2")

        assert "1 other-cluster" in restored.shown()
        assert "1 no-volume" in restored.shown("--takes-over", GONE)


class TestUsedAgain:
    """nfs-subdir deleted a volume, and created another one at its path: nothing was restored."""

    @pytest.fixture(params=["", "/inner"])
    def bench(self, bench: Bench, request: pytest.FixtureRequest) -> Bench:
        bench.give(ID)
        published(Leading(bench.root, cluster=bench.cluster), "9", "team/data")
        (bench.root / "team/data").rename(bench.root / "elsewhere")
        directory = f"team/data{request.param}"
        bench.add("1", directory=directory, annotated=False, export_id="", phase="Released")
        return bench

    def record(self, bench: Bench) -> bytes:
        return (bench.root / ".holdfast/volumes/pvc-9").read_bytes()

    def test_the_gone_volume_s_record_does_not_get_the_new_directory(self, bench: Bench) -> None:
        """The command wrote it, and the new volume could not be recorded any more."""
        before = self.record(bench)

        assert "its directories match their records" in bench.accepted()

        assert self.record(bench) == before

    def test_nor_where_the_export_lost_its_id(self, bench: Bench) -> None:
        bench.add("2")
        (bench.root / ".holdfast/export").unlink()
        before = self.record(bench)

        assert f"has the id {ID} now" in bench.accepted()

        assert self.record(bench) == before

    def test_show_names_the_volume_that_has_the_path_and_suggests_nothing(
        self, bench: Bench
    ) -> None:
        shown = bench.shown("-o", "wide")

        assert "its path is that of volume pvc-1 now" in shown
        assert "another-directory" not in shown
        assert "not the one in its record" not in bench.shown()

    def test_a_volume_that_has_a_record_shares_the_path_and_both_are_restored(
        self, bench: Bench
    ) -> None:
        leading = Leading(bench.root, cluster=bench.cluster)
        for uid in "34":
            published(leading, uid, "shared", shared=True)
        bench.add("4", directory="shared", has_directory=False)
        restore(bench.root)

        assert "2 records written" in bench.accepted()


class TestReleased:
    """Volumes whose claim was deleted before the export is accepted are named, and their end."""

    @pytest.fixture
    def export(self, bench: Bench) -> Leading:
        bench.give(ID)
        return Leading(bench.root, cluster=bench.cluster)

    def test_they_are_named_before_the_question(self, bench: Bench, export: Leading) -> None:
        for uid in "12":
            published(export, uid, f"team/data-{uid}")
        bench.add("1", has_directory=False, phase="Released")
        bench.add("2", has_directory=False)
        restore(bench.root)

        asked = bench.accept(answer="n\n").output

        assert "2 directories (2 of volumes) are not the ones in their records" in asked
        assert "1 volume is released and will be reclaimed:\n" in asked
        assert "  pvc-1 of claim team/data (delete)\n" in asked
        assert asked.index("reclaimed:") < asked.index("Accept the directories")

    def test_an_export_that_gets_its_id_names_them_too(self, bench: Bench, export: Leading) -> None:
        published(export, "1", "team/data-1")
        bench.add("1", has_directory=False, phase="Released", on_delete="archive")
        (bench.root / ".holdfast/export").unlink()

        asked = bench.accept(answer="n\n").output

        assert "  pvc-1 of claim team/data (archive)\n" in asked
        assert bench.accept("--yes").output.count("(archive)") == 1

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"on_delete": "delete"}, "delete"),
            ({"on_delete": ""}, "archive"),
            ({"on_delete": "retian"}, ""),
            ({"policy": "Retain"}, ""),
            ({"export_id": ANOTHER_ID}, ""),
            ({"by": "example.com/other"}, ""),
        ],
    )
    def test_each_with_what_really_happens(
        self, bench: Bench, export: Leading, given: dict[str, Any], said: str
    ) -> None:
        """The annotation, else the record, decides; what is refused is not reclaimed."""
        published(export, "1", "team/data-1", action=Action.ARCHIVE)
        published(export, "2", "team/data-2")
        bench.add("1", has_directory=False, phase="Released", **given)
        bench.add("2", has_directory=False)
        restore(bench.root)

        done = bench.accepted("--id", ID)

        assert (f"pvc-1 of claim team/data ({said})" in done) == bool(said)
        assert ("will be reclaimed" in done) == bool(said)


def times(
    number: int, real: Callable[[Export, Leader, Collection[str]], int]
) -> Callable[[Export, Leader, Collection[str]], int]:
    """A method that is fenced so many times."""
    left = iter(range(number))

    def accept_restored(export: Export, leader: Leader, keep: Collection[str]) -> int:
        if next(left, None) is None:
            return real(export, leader, keep)
        raise Fenced("term 7 of nfs has ended")

    return accept_restored
