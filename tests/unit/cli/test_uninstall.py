"""`holdfast uninstall`: the way back to another provisioner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from holdfast.claims.constants import (
    ALSO_KNOWN_AS,
    EXPORT,
    FINALIZER,
    PROVISIONED_BY,
    PROVISIONER,
)
from holdfast.cli import leader, main
from holdfast.kube.resources import CLASSES, LEASES, VOLUMES, Json
from tests.fake.apiserver import NO_ANSWER, FakeApiServer, Fault, Request
from tests.fake.kubeconfig import kubeconfig
from tests.unit.controller.given import ANOTHER_ID, NAME, a_class, a_volume, ref

ANOTHERS = "kubernetes.io/pv-protection"
LEASE = "example.com-nfs"
FORMER = "former.example.com/nfs"


class Bench:
    """A cluster whose class `nfs` deletes, as its volumes say."""

    def __init__(self, server: FakeApiServer, folder: Path) -> None:
        self.server = server
        self._kubeconfig = kubeconfig(server, folder)
        server.objects.create(CLASSES.path(), a_class({"onDelete": "delete"}))

    def add(self, uid: str = "1", *, by: str = NAME, action: str = "delete", **given: Any) -> None:
        given = {"directory": f"data-{uid}", "finalizers": (ANOTHERS, FINALIZER), **given}
        made = a_volume(ref(uid, f"data-{uid}"), **given)
        made["metadata"]["annotations"][PROVISIONED_BY] = by
        if "holdfast.io/on-delete" in made["metadata"]["annotations"]:
            made["metadata"]["annotations"]["holdfast.io/on-delete"] = action
        self.server.objects.create(VOLUMES.path(), made)

    def hold(
        self,
        holder: str = "holdfast-0",
        name: str = LEASE,
        seconds: int = 1,
        annotations: dict[str, str] | None = None,
    ) -> None:
        spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "renewTime": "1"}
        metadata = {"namespace": "storage", "name": name, "annotations": annotations or {}}
        lease = {"metadata": metadata, "spec": spec}
        # Where a list of all namespaces finds it.
        self.server.objects.create(LEASES.path("storage"), lease)

    def renew(self, *_: object, name: str = LEASE, **changes: str) -> None:
        """The holder renews its lease."""
        path = LEASES.path("storage", name)
        spec = {"renewTime": "2", **changes}
        self.server.objects.patch(path, {"spec": spec})

    def run(self, *options: str, answer: str | None = None) -> Result:
        given = ["--provisioner-name", NAME, "--kubeconfig", self._kubeconfig]
        agreed = [] if answer is not None else ["--yes"]
        return CliRunner().invoke(main, ["uninstall", *given, *agreed, *options], input=answer)

    def finalizers(self, uid: str = "1") -> list[str]:
        held: Json = self.server.objects.by_path[VOLUMES.path(name=f"pvc-{uid}")]
        return list(held["metadata"]["finalizers"])


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(leader, "_LOOK", 0.01)
    with FakeApiServer() as server:
        yield Bench(server, tmp_path)


def patches(bench: Bench) -> list[Request]:
    return [one for one in bench.server.requests if one.verb == "patch"]


class TestTakingItOff:
    def test_it_is_taken_off_every_volume_of_the_provisioner_and_others_stay(
        self, bench: Bench
    ) -> None:
        bench.add("1")
        bench.add("2", finalizers=(FINALIZER,), policy="Retain", phase="Released")
        bench.add("3", by="others")

        done = bench.run()

        assert done.exit_code == 0, done.output
        assert (bench.finalizers("1"), bench.finalizers("2")) == ([ANOTHERS], [])
        assert bench.finalizers("3") == [ANOTHERS, FINALIZER]
        assert "finalizer removed from 2 volumes" in done.output

    def test_volumes_of_a_former_name_are_its_own_where_it_is_named(self, bench: Bench) -> None:
        bench.add(by=FORMER)

        assert f"the cluster's volumes name: {FORMER}" in bench.run().output
        bench.run("--also-known-as", FORMER)

        assert bench.finalizers() == [ANOTHERS]

    def test_the_second_time_there_is_nothing_to_do(self, bench: Bench) -> None:
        bench.add()
        bench.run()
        before = len(patches(bench))

        done = bench.run(answer="")

        assert done.exit_code == 0
        assert "none of 1 volume has the finalizer: there is nothing to do" in done.output
        assert len(patches(bench)) == before

    def test_one_that_was_added_in_between_is_kept(self, bench: Bench) -> None:
        bench.add(finalizers=(FINALIZER,))

        def add(request: Request) -> None:
            both = {"finalizers": [FINALIZER, ANOTHERS]}
            bench.server.objects.patch(request.path, {"metadata": both})

        bench.server.meanwhile("patch", add)

        assert bench.run().exit_code == 0
        assert bench.finalizers() == [ANOTHERS]
        assert len(patches(bench)) == 2

    def test_a_volume_that_is_gone_by_now_needs_nothing(self, bench: Bench) -> None:
        bench.add()
        path = VOLUMES.path(name="pvc-1")
        bench.server.meanwhile("patch", lambda _: bench.server.objects.by_path.pop(path))

        assert bench.run().exit_code == 0

    @pytest.mark.parametrize("fault", [Fault(403, "Forbidden"), Fault(409, "Conflict"), Fault(500)])
    def test_what_the_api_server_refuses_is_named_and_the_others_are_done(
        self, bench: Bench, fault: Fault
    ) -> None:
        bench.add("1")
        bench.add("2")
        bench.server.fail("patch", fault, times=5 if fault.code == 409 else 1)

        done = bench.run()

        assert done.exit_code == 1
        assert f"pvc-1 of claim team/data-1 still has it: fault {fault.code}" in done.output
        assert "Error: 1 volume still with the finalizer: run it again" in done.output
        assert bench.finalizers("2") == [ANOTHERS]
        assert bench.run().exit_code == 0

    def test_an_api_server_that_is_away_is_an_error(self, bench: Bench) -> None:
        bench.add()
        bench.server.fail("patch", NO_ANSWER)

        done = bench.run()

        assert done.exit_code == 1
        assert "Error: No answer from the API server" in done.output


class TestWhatItShows:
    def test_a_dry_run_shows_the_same_and_changes_nothing(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2", finalizers=())

        done = bench.run("--dry-run")

        assert done.exit_code == 0
        assert done.output.splitlines() == [
            "1 of 2 volumes with the finalizer:",
            "  pvc-1 of claim team/data-1",
        ]
        assert bench.finalizers() == [ANOTHERS, FINALIZER]

    def test_a_dry_run_says_that_somebody_leads(self, bench: Bench) -> None:
        bench.add()
        bench.hold(seconds=1000)
        bench.server.meanwhile("get", bench.renew)

        done = bench.run("--dry-run", "-o", "json")

        assert done.exit_code == 0
        assert "Lease storage/example.com-nfs is held by holdfast-0: without --dry" in done.stderr
        assert "scale its Deployment to 0" in done.stderr
        assert len(json.loads(done.stdout)) == 1

    @pytest.mark.parametrize(
        ("parameters", "action", "policy", "said"),
        [
            ({"onDelete": "delete"}, "delete", "Delete", ""),
            ({"onDelete": "delete"}, "retain", "Delete", "retain here, delete there"),
            ({"archiveOnDelete": "false"}, "archive", "Delete", "archive here, delete there"),
            ({"onDelete": "true"}, "delete", "Delete", "delete here, archive there"),
            ({"onDelete": "delete"}, "retain", "Retain", ""),
        ],
    )
    def test_a_directory_that_nfs_subdir_would_treat_otherwise_is_named(
        self, bench: Bench, parameters: dict[str, str], action: str, policy: str, said: str
    ) -> None:
        """One that was there before its volume, for instance, is never removed by Holdfast."""
        changed = a_class(parameters)
        bench.server.objects.by_path[f"{CLASSES.path()}/nfs"]["parameters"] = changed["parameters"]
        bench.add(action=action, policy=policy)

        shown = bench.run("--dry-run").output

        assert ("there" in shown) == bool(said)
        assert said in shown

    def test_without_its_class_nfs_subdir_deletes_no_volume(self, bench: Bench) -> None:
        del bench.server.objects.by_path[f"{CLASSES.path()}/nfs"]
        bench.add()

        assert "delete here, retain there" in bench.run("--dry-run").output

    def test_an_action_that_only_the_record_has_may_differ(self, bench: Bench) -> None:
        """Of an inherited volume: its class may have been edited since it was recorded."""
        bench.add(annotated=False)

        shown = bench.run("--dry-run").output

        assert "what Holdfast does with them stands only in their records:" in shown
        assert "  pvc-1 of claim team/data-1: unknown here, delete there" in shown

    def test_an_unknown_action_is_no_matter_where_nfs_subdir_keeps_the_directory(
        self, bench: Bench
    ) -> None:
        del bench.server.objects.by_path[f"{CLASSES.path()}/nfs"]
        bench.add(annotated=False)

        assert "there" not in bench.run("--dry-run").output

    @pytest.mark.parametrize("finalizers", [(), (ANOTHERS, FINALIZER)])
    @pytest.mark.parametrize("annotated", [True, False])
    def test_what_nfs_subdir_deletes_as_soon_as_it_starts_is_named(
        self, bench: Bench, finalizers: tuple[str, ...], *, annotated: bool
    ) -> None:
        """Also what Holdfast refuses to reclaim, and again once the finalizer is removed."""
        bench.add("1", phase="Released", annotated=annotated, finalizers=finalizers)
        bench.add("2")

        shown = bench.run("--dry-run").output

        headline, line = shown.partition("As soon as it starts, it deletes or archives")[2].split(
            "\n", 2
        )[:2]
        assert "released volumes:" in headline
        assert line.startswith("  pvc-1 of claim team/data-1: ")
        assert line.endswith(" here, delete there")
        assert "set the reclaim policy of its volume to Retain first" in shown

    @pytest.mark.parametrize("kept", ["Retain", "retain"])
    def test_a_released_one_that_it_keeps_is_not(self, bench: Bench, kept: str) -> None:
        if kept == "retain":
            changed = a_class({"onDelete": "retain"})["parameters"]
            bench.server.objects.by_path[f"{CLASSES.path()}/nfs"]["parameters"] = changed
        bench.add(phase="Released", policy=kept.replace("retain", "Delete"))

        assert "As soon as it starts" not in bench.run("--dry-run").output

    def test_directories_that_volumes_share_are_named(self, bench: Bench) -> None:
        for uid, directory in (("1", "web"), ("2", "web/"), ("3", "alone")):
            bench.add(uid, directory=directory)
        for uid in "45":
            bench.add(uid, directory="kept", policy="Retain")

        shown = bench.run("--dry-run").output

        _, _, shared = shown.partition("shared directories with the first of their volumes:\n")
        assert shared.splitlines() == [
            "  nas:/srv/web: pvc-1 of claim team/data-1, pvc-2 of claim team/data-2"
        ]

    def test_json_and_exit_code_say_the_same(self, bench: Bench) -> None:
        bench.add("1", phase="Released", directory="web", annotated=False)
        bench.add("2", directory="web")

        done = bench.run("--dry-run", "-o", "json")

        assert done.exit_code == 0
        assert [
            (one["reclaim_action"], one["at_once"], one["shares_with"])
            for one in json.loads(done.stdout)
        ] == [("unknown", True, ["pvc-2"]), ("delete", False, ["pvc-1"])]

    def test_a_volume_that_is_being_deleted_goes_and_its_directory_is_named(
        self, bench: Bench
    ) -> None:
        bench.add(phase="Released")
        bench.server.objects.delete(VOLUMES.path(name="pvc-1"))

        shown = bench.run("--dry-run").output

        assert "being deleted: it goes at once, and its directory stays at nas:/srv/" in shown
        assert "As soon as it starts" not in shown

    def test_of_many_some_are_shown(self, bench: Bench) -> None:
        for number in range(23):
            bench.add(str(number))

        lines = bench.run("--dry-run").output.splitlines()

        assert lines[0] == "23 of 23 volumes with the finalizer:"
        assert lines[-1] == "  and 3 more (-o json shows all)"
        assert len(lines) == 22

    @pytest.mark.parametrize(("options", "after"), [(("--dry-run",), "present"), ((), "removed")])
    def test_json_has_every_volume_and_what_became_of_it(
        self, bench: Bench, options: tuple[str, ...], after: str
    ) -> None:
        bench.add("1", action="retain")
        bench.add("2", finalizers=())

        first, second = json.loads(bench.run("-o", "json", *options).stdout)

        assert first == {
            "volume": "pvc-1",
            "claim": "team/data-1",
            "provisioner": NAME,
            "export": "nas:/srv",
            "path": "nas:/srv/data-1",
            "phase": "Bound",
            "deleting": False,
            "reclaim_action": "retain",
            "reclaim_action_of_nfs_subdir": "delete",
            "at_once": False,
            "shares_with": [],
            "target_of_nfs_subdir": "data-1",
            "target_has": [],
            "finalizer": after,
        }
        assert second["finalizer"] == "absent"


class TestAMistypedName:
    """Its volumes would stay Terminating once Holdfast is gone."""

    @pytest.mark.parametrize("options", [(), ("--dry-run",)])
    def test_without_a_volume_the_names_of_those_with_the_finalizer_are_told(
        self, bench: Bench, options: tuple[str, ...]
    ) -> None:
        bench.add("1", by=FORMER)
        bench.add("2", by="others", finalizers=())

        done = bench.run(*options)

        assert done.exit_code == 1
        assert done.output == (
            f"Error: no volume names provisioner '{NAME}'; the cluster's volumes name: {FORMER}\n"
        )

    def test_volumes_of_csi_drivers_which_use_the_same_finalizer_are_left_out(
        self, bench: Bench
    ) -> None:
        bench.add(by="csi.example.com")
        held = bench.server.objects.by_path[VOLUMES.path(name="pvc-1")]
        held["spec"]["csi"] = {"driver": held["spec"].pop("nfs") and "csi.example.com"}

        assert bench.run().exit_code == 0

    def test_json_stays_a_list(self, bench: Bench) -> None:
        bench.add(by=FORMER)

        done = bench.run("-o", "json")

        assert (done.exit_code, json.loads(done.stdout)) == (1, [])
        assert "no volume names provisioner" in done.stderr

    @pytest.mark.parametrize("others", [(), ("others",)])
    def test_where_no_volume_has_the_finalizer_there_is_nothing_to_do(
        self, bench: Bench, others: tuple[str, ...]
    ) -> None:
        for by in others:
            bench.add(by=by, finalizers=())

        done = bench.run()

        assert done.exit_code == 0
        assert "none of 0 volumes has the finalizer: there is nothing to do" in done.output

    def test_a_volume_without_the_finalizer_shows_that_the_name_is_right(
        self, bench: Bench
    ) -> None:
        bench.add("1", finalizers=())
        bench.add("2", by=FORMER)

        assert bench.run().exit_code == 0


class TestSeveralExports:
    """nfs-subdir serves one, and compares neither the server nor the export of a volume."""

    HEADLINE = f"{NAME} has volumes on several exports."

    def test_a_provisioner_whose_volumes_are_on_several_is_warned_of(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2", server="192.0.2.1")
        bench.add("3", server="nas2", export_id=ANOTHER_ID)

        shown = bench.run("--dry-run").output

        _, _, said = shown.partition(self.HEADLINE)
        assert "stays, or one of that name is deleted or archived instead:" in said
        assert said.splitlines()[1:] == ["  192.0.2.1:/srv: 2 volumes", "  nas2:/srv: 1 volume"]
        assert "set the reclaim policy of its volume to Retain first" in shown

    def test_one_export_under_several_addresses_is_one(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2", server="192.0.2.1")
        bench.add("3", export_id="")

        assert self.HEADLINE not in bench.run("--dry-run").output

    def test_inherited_volumes_count_where_they_tell_their_export(self, bench: Bench) -> None:
        """By nfs-subdir's usual name, or once they are recorded, by the export's id."""
        bench.add("1")
        bench.add("2", server="nas2", directory="team-data-2-pvc-2", annotated=False)
        bench.add("3", server="nas3", directory="by/pattern", annotated=False)
        bench.add("4", server="nas4", directory="by/another", annotated=False)
        held = bench.server.objects.by_path[VOLUMES.path(name="pvc-4")]
        held["metadata"]["annotations"][EXPORT] = ANOTHER_ID

        exports = [one["export"] for one in json.loads(bench.run("-o", "json").stdout)]
        shown = bench.run("--dry-run").output

        assert exports == ["nas:/srv", "nas2:/srv", "", ANOTHER_ID]
        assert f"  {ANOTHER_ID}: 1 volume\n  nas2:/srv: 1 volume\n" in shown

    def test_each_of_several_provisioners_may_have_its_own(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2", by=FORMER, server="nas2", export_id=ANOTHER_ID)

        assert "several exports" not in bench.run("--dry-run", "--also-known-as", FORMER).output

    @pytest.mark.parametrize(("policy", "warns"), [("Delete", True), ("Retain", False)])
    def test_where_all_directories_are_kept_it_does_not_matter(
        self, bench: Bench, policy: str, *, warns: bool
    ) -> None:
        bench.add("1", policy="Retain")
        bench.add("2", policy=policy, server="nas2", export_id=ANOTHER_ID)

        assert (self.HEADLINE in bench.run("--dry-run").output) == warns


class TestTheLastComponent:
    """Versions 4.0.1 and 4.0.2 of nfs-subdir look for it at the root of their export."""

    TAKES = "So they delete or archive the data of other volumes with these"
    MISSES = "find no directory of a volume with these"

    @pytest.mark.parametrize(
        ("phase", "when"),
        [("Released", "as soon as it starts"), ("Bound", "once its claim is deleted")],
    )
    def test_another_volume_whose_data_it_deletes_is_named(
        self, bench: Bench, phase: str, when: str
    ) -> None:
        bench.add("1", directory="data", policy="Retain")
        bench.add("2", directory="team/data", phase=phase)

        shown = bench.run("--dry-run").output

        _, _, said = shown.partition(self.TAKES)
        assert said.splitlines()[:2] == [
            "; set these, not the others, to Retain first:",
            f"  pvc-2 of claim team/data-2: {when}, it deletes 'data', where the data of pvc-1 is",
        ]
        assert self.MISSES not in shown

    def test_what_happens_at_once_comes_first(self, bench: Bench) -> None:
        bench.add("1", directory="a/data")
        bench.add("2", directory="data")
        bench.add("3", directory="b/data", phase="Released")

        lines = bench.run("--dry-run").output.partition(self.TAKES)[2].splitlines()

        assert [line.split()[0] for line in lines[1:3]] == ["pvc-3", "pvc-1"]

    def test_volumes_beneath_a_folder_of_that_name_lose_their_data_as_well(
        self, bench: Bench
    ) -> None:
        for uid in "12345":
            bench.add(uid, directory=f"shop/{uid}", policy="Retain")
        bench.add("6", directory="team/shop")

        shown = bench.run("--dry-run").output

        assert "it deletes 'shop', where the data of pvc-1, pvc-2, pvc-3 and 2 more is" in shown

    @pytest.mark.parametrize("path", ["/", "/srv/."])
    def test_the_whole_export_may_be_what_it_deletes(self, bench: Bench, path: str) -> None:
        bench.add("1")
        bench.add("2")
        bench.server.objects.patch(VOLUMES.path(name="pvc-2"), {"spec": {"nfs": {"path": path}}})

        assert "it deletes '.', where the data of pvc-1 is" in bench.run("--dry-run").output

    @pytest.mark.parametrize("by", ["", "others", FORMER])
    def test_a_volume_of_anybody_may_be_there(self, bench: Bench, by: str) -> None:
        bench.add("1", directory="data", by=by, finalizers=())
        bench.add("2", directory="team/data")

        assert "where the data of pvc-1 is" in bench.run("--dry-run").output

    def test_it_may_be_on_another_export_of_the_provisioner(self, bench: Bench) -> None:
        bench.add("1", directory="data", server="nas1")
        bench.add("2", directory="data", server="nas2", export_id=ANOTHER_ID, phase="Released")

        shown = bench.run("--dry-run").output

        assert "pvc-2 of claim team/data-2: as soon as it starts, it deletes 'data'" in shown

    def test_on_an_export_of_another_provisioner_it_is_not(self, bench: Bench) -> None:
        bench.add("1", directory="data", server="nas1")
        bench.add("2", directory="data", server="nas2", export_id=ANOTHER_ID, by=FORMER)

        shown = bench.run("--dry-run", "--also-known-as", FORMER).output

        assert (self.TAKES in shown, self.MISSES in shown) == (False, False)

    @pytest.mark.parametrize("has_pattern", [True, False])
    def test_of_an_inherited_volume_the_class_s_pattern_gives_the_export(
        self, bench: Bench, *, has_pattern: bool
    ) -> None:
        """Without it, it may be any above the volume's directory."""
        pattern = {"pathPattern": "${.PVC.namespace}/${.PVC.name}"} if has_pattern else {}
        changed = a_class({"onDelete": "delete", **pattern})["parameters"]
        bench.server.objects.by_path[f"{CLASSES.path()}/nfs"]["parameters"] = changed
        bench.add("1", directory="team/data-1", annotated=False)
        bench.add("2", directory="team/data-2", annotated=False)
        bench.server.objects.patch(
            VOLUMES.path(name="pvc-2"), {"spec": {"nfs": {"path": "/data-1/x"}}}
        )

        shown = bench.run("--dry-run").output

        assert (self.MISSES in shown) == has_pattern
        assert (self.TAKES in shown) != has_pattern

    def test_where_it_finds_nothing_the_directory_stays(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2", directory="team/data-2")

        shown = bench.run("--dry-run").output

        assert shown.partition(self.MISSES)[2].splitlines()[1:] == ["  pvc-2 of claim team/data-2"]

    def test_directories_that_it_keeps_are_not_named(self, bench: Bench) -> None:
        bench.add("1", directory="data")
        bench.add("2", directory="team/data", policy="Retain")
        bench.add("3", directory="by/data", phase="Released")
        bench.server.objects.delete(VOLUMES.path(name="pvc-3"))
        bench.add("4", directory="team/none", policy="Retain")

        shown = bench.run("--dry-run").output

        assert (self.TAKES in shown, self.MISSES in shown) == (False, False)

    def test_its_own_name_is_its_own(self, bench: Bench) -> None:
        bench.add("1", directory="data")
        bench.add("2", directory="data")

        assert self.TAKES not in bench.run("--dry-run").output

    def test_json_says_the_same(self, bench: Bench) -> None:
        bench.add("1", directory="data")
        bench.add("2", directory="team/data")
        bench.add("3", directory="team/none")

        rows = json.loads(bench.run("--dry-run", "-o", "json").stdout)

        assert [(one["target_of_nfs_subdir"], one["target_has"]) for one in rows] == [
            ("data", []),
            ("data", ["pvc-1"]),
            ("", []),
        ]


class TestOtherProvisioners:
    """Where Holdfast served several names, a run for one of them does not end it."""

    @pytest.mark.parametrize("options", [(), ("--dry-run",), ("-o", "json")])
    def test_those_whose_volumes_keep_the_finalizer_are_named(
        self, bench: Bench, options: tuple[str, ...]
    ) -> None:
        bench.add("1")
        bench.add("2", by=FORMER)
        bench.add("3", by="others", finalizers=())

        done = bench.run(*options)

        assert done.exit_code == 0
        assert f"other provisioners keep the finalizer: {FORMER} (1). Add --also" in done.stderr

    def test_names_that_are_given_are_not_others(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2", by=FORMER)

        done = bench.run("--also-known-as", FORMER)

        assert "other provisioners" not in done.output
        assert "finalizer removed from 2 volumes" in done.stderr

    def test_they_are_named_before_it_asks(self, bench: Bench) -> None:
        bench.add("1")
        bench.add("2", by=FORMER)

        done = bench.run(answer="y\n")

        before, _, _ = done.output.partition("Remove the finalizer")
        assert FORMER in before


class TestAsking:
    def test_it_asks_and_takes_yes(self, bench: Bench) -> None:
        bench.add()

        done = bench.run(answer="y\n")

        assert "Remove the finalizer from 1 volume?" in done.output
        assert (done.exit_code, bench.finalizers()) == (0, [ANOTHERS])

    @pytest.mark.parametrize(
        ("answer", "said"),
        [("n\n", "nothing was changed"), ("", "no terminal to ask for confirmation")],
    )
    def test_anything_else_changes_nothing(self, bench: Bench, answer: str, said: str) -> None:
        bench.add()

        done = bench.run(answer=answer)

        assert done.exit_code == 1
        assert f"Error: {said}" in done.output
        assert bench.finalizers() == [ANOTHERS, FINALIZER]


class TestALeader:
    """A Holdfast that runs would set the finalizer again."""

    @pytest.mark.parametrize("options", [(), ("--also-known-as", FORMER)])
    def test_while_a_lease_is_renewed_it_refuses(
        self, bench: Bench, options: tuple[str, ...]
    ) -> None:
        bench.add()
        bench.hold(seconds=1000)
        bench.server.meanwhile("get", bench.renew)

        done = bench.run(*options)

        assert done.exit_code == 1
        assert "Error: Lease storage/example.com-nfs is held by holdfast-0: " in done.output
        assert "scale its Deployment to 0" in done.output
        assert patches(bench) == []

    def test_a_lease_of_a_former_name_counts(self, bench: Bench) -> None:
        bench.add()
        bench.hold(name="former.example.com-nfs", seconds=1000)
        path = LEASES.path("storage", "former.example.com-nfs")
        bench.server.meanwhile(
            "get", lambda _: bench.server.objects.patch(path, {"spec": {"renewTime": "2"}})
        )

        assert bench.run("--also-known-as", FORMER).exit_code == 1

    @pytest.mark.parametrize(("by", "is_refused"), [(NAME, True), (FORMER, False)])
    def test_a_lease_of_any_export_of_the_provisioner_counts(
        self, bench: Bench, by: str, *, is_refused: bool
    ) -> None:
        """Its name does not say whose it is: the leader has."""
        bench.add()
        name = f"{LEASE}-fast"
        bench.hold(name=name, seconds=1000, annotations={PROVISIONER: by})
        bench.server.meanwhile("get", partial(bench.renew, name=name))
        if not is_refused:
            bench.server.between.clear()

        done = bench.run()

        assert (f"Lease storage/{name} is held by" in done.output) == is_refused
        assert (FINALIZER in bench.finalizers()) == is_refused

    @pytest.mark.parametrize("options", [(), ("--dry-run",)])
    def test_a_lease_of_one_that_also_serves_the_name_counts(
        self, bench: Bench, options: tuple[str, ...]
    ) -> None:
        """It would set the finalizer again within a second."""
        bench.add()
        also = {PROVISIONER: FORMER, ALSO_KNOWN_AS: f"{NAME} third.example.com/nfs"}
        bench.hold(name="former.example.com-nfs-fast", seconds=1000, annotations=also)
        renew = partial(bench.renew, name="former.example.com-nfs-fast")
        bench.server.meanwhile("get", renew)

        done = bench.run(*options)

        assert "Lease storage/former.example.com-nfs-fast is held by holdfast-0" in done.output
        assert done.exit_code == (0 if options else 1)
        assert FINALIZER in bench.finalizers()

    def test_one_that_begins_to_lead_while_it_asks_is_seen(self, bench: Bench) -> None:
        bench.add()

        def lead(_: Request) -> None:
            bench.hold(seconds=1000)
            bench.server.meanwhile("get", bench.renew)

        for act in (lambda _: None, lambda _: None, lambda _: None, lead):
            bench.server.meanwhile("list", act)  # leases, classes, volumes, and leases again

        done = bench.run(answer="y\n")

        assert "is held by holdfast-0" in done.output
        assert bench.finalizers() == [ANOTHERS, FINALIZER]

    @pytest.mark.parametrize("change", ["runs out", "given up", "deleted"])
    def test_a_lease_that_nobody_renews_is_no_leader(self, bench: Bench, change: str) -> None:
        bench.add()
        bench.hold(seconds=1 if change == "runs out" else 1000)
        path = LEASES.path("storage", LEASE)
        if change == "given up":
            bench.server.meanwhile("get", lambda _: bench.renew(holderIdentity=""))
        if change == "deleted":
            bench.server.meanwhile("get", lambda _: bench.server.objects.by_path.pop(path))

        assert bench.run().exit_code == 0
        assert bench.finalizers() == [ANOTHERS]

    @pytest.mark.parametrize(("holder", "name"), [("", LEASE), ("x", "others")])
    def test_one_of_nobody_or_of_another_program_is_no_leader(
        self, bench: Bench, holder: str, name: str
    ) -> None:
        bench.add()
        bench.hold(holder, name, seconds=1000)

        assert bench.run().exit_code == 0
        assert "looking" not in bench.run().output

    def test_where_leases_may_not_be_listed_it_says_so(self, bench: Bench) -> None:
        bench.add()
        bench.server.fail("list", Fault(403, "Forbidden"))

        done = bench.run()

        assert done.exit_code == 1
        assert "Error: fault 403" in done.output
        assert patches(bench) == []
