"""`holdfast exports`: how each export is, from the Leases alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from holdfast.claims import constants
from holdfast.cli import leader, main
from holdfast.cli.list_exports import Row
from holdfast.kube.resources import LEASES, Json
from tests.fake.apiserver import FakeApiServer, Fault
from tests.fake.kubeconfig import kubeconfig
from tests.unit.controller.given import NAME

OTHER = "other.example.com/nfs"
SERVING = {
    "state": "serving",
    "reason": "",
    "volumes": 3,
    "trash": {"volumes": 2, "oldest_seconds": 7300, "blocked": 1},
    "latency_seconds": 0.00123,
    "probed": "2026-11-02T03:04:05Z",
}
FORBIDDEN = Fault(403, "Forbidden")


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


class Bench:
    """The Leases of a cluster, in the namespace `storage` where nothing else is said."""

    def __init__(self, server: FakeApiServer, folder: Path) -> None:
        self.server, self._folder = server, folder
        self._kubeconfig = kubeconfig(server, folder)

    def lease(
        self,
        export: str = "default",
        said: Json | str | None = None,
        *,
        by: str = NAME,
        holder: str = "holdfast-0",
        renewed: float = 0.0,
        annotated: bool = True,
        namespace: str = "storage",
        also: str = "",
    ) -> None:
        """That of an export, renewed so many seconds ago."""
        name = by.replace("/", "-") + ("" if export == "default" else f"-{export}")
        state = said if isinstance(said, str) else json.dumps(SERVING if said is None else said)
        annotations = {
            constants.PROVISIONER: by,
            constants.ALSO_KNOWN_AS: also,
            constants.EXPORT_NAME: export,
            constants.ADDRESS: f"nas:/srv/{export}",
            constants.STATE: state,
        }
        metadata: Json = {"namespace": namespace, "name": name}
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": 15,
            "renewTime": ago(renewed),
        }
        metadata |= {"annotations": annotations} if annotated else {}
        self.server.objects.create(LEASES.path(namespace), {"metadata": metadata, "spec": spec})

    def renew(self, name: str = "example.com-nfs", **spec: Any) -> Callable[[object], object]:
        """What a leader does meanwhile, whose clock differs from ours."""
        path = LEASES.path("storage", name)
        change = {"spec": {"renewTime": ago(999), **spec}}
        return lambda _: self.server.objects.patch(path, change)

    def config(self, *names: str) -> str:
        path = self._folder / "exports.yaml"
        listed = "".join(
            f"  - {{name: {name}, server: nas, path: /srv/{name}}}\n" for name in names
        )
        path.write_text("exports:\n" + listed)
        return str(path)

    def run(self, *options: str) -> Result:
        return CliRunner().invoke(main, ["exports", "--kubeconfig", self._kubeconfig, *options])

    def rows(self, *options: str, code: int = 0) -> list[Json]:
        """What is listed as JSON."""
        done = self.run(*options, "-o", "json")
        assert done.exit_code == code, done.output
        found: list[Json] = json.loads(done.stdout)
        return found


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(leader, "_LOOK", 0.01)
    monkeypatch.setattr(leader, "_PATIENCE", 0.1)
    monkeypatch.setenv("POD_NAMESPACE", "storage")
    for name in ("PROVISIONER_NAME", "HOLDFAST_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    with FakeApiServer() as server:
        yield Bench(server, tmp_path)


class TestTable:
    def test_each_export_has_a_line_that_its_leader_wrote(self, bench: Bench) -> None:
        bench.lease("slow", SERVING | {"trash": {"volumes": 0}, "latency_seconds": 2.5})
        bench.lease("fast")

        done = bench.run()

        head, fast, slow = done.stdout.splitlines()
        assert done.exit_code == 0
        assert head.split() == ["NAME", "ADDRESS", "LEADER", "STATE", "VOLUMES", "TRASH", "LATENCY"]
        assert " ".join(fast.split()) == (
            "fast nas:/srv/fast holdfast-0 serving 3 2 (oldest 2h, 1 blocked) 1.23 ms"
        )
        assert " ".join(slow.split()) == "slow nas:/srv/slow holdfast-0 serving 3 0 2.5 s"

    def test_what_is_not_known_is_a_dash(self, bench: Bench) -> None:
        bench.lease(said={"state": "no-term", "reason": "it is about to begin", "volumes": None})

        line = bench.run().stdout.splitlines()[1]

        assert line.split()[-4:] == ["no-term", "-", "-", "-"]

    def test_the_state_is_a_word_and_the_reason_stands_beneath_as_it_is(self, bench: Bench) -> None:
        reason = "[bold]x[/bold] [Errno 5] " + 20 * "and so on "
        bench.lease("fast")
        bench.lease("slow", SERVING | {"state": "unavailable", "reason": reason})

        *_, slow, empty, why = bench.run().stdout.splitlines()

        assert slow.split()[3:5] == ["unavailable", "3"]
        assert (empty, why) == ("", f"slow, unavailable: {reason}")
        assert bench.rows(code=1)[1]["reason"] == reason

    def test_several_provisioners_are_told_apart(self, bench: Bench) -> None:
        bench.lease()
        bench.lease(by=OTHER)

        head, ours, theirs = bench.run().stdout.splitlines()

        assert head.split()[-1] == "PROVISIONER"
        assert (ours.split()[-1], theirs.split()[-1]) == (NAME, OTHER)


class TestJson:
    def test_it_has_all_that_the_lease_says(self, bench: Bench) -> None:
        bench.lease("fast")

        [row] = bench.rows()

        renewed = row.pop("renewed")
        assert renewed.startswith("20")
        assert row == SERVING | {"blocked_by": ""} | {
            "provisioner": NAME,
            "name": "fast",
            "namespace": "storage",
            "lease": "example.com-nfs-fast",
            "address": "nas:/srv/fast",
            "leader": "holdfast-0",
        }

    @pytest.mark.parametrize(
        "odd",
        [
            "",
            "no JSON",
            "[]",
            '{"state": 5, "volumes": "3", "trash": [], "latency_seconds": true}',
            '{"volumes": NaN, "latency_seconds": NaN}',
            '{"volumes": Infinity, "latency_seconds": Infinity}',
            '{"volumes": -1, "latency_seconds": -1}',
            f'{{"volumes": {10**400}, "latency_seconds": {10**400}}}',
            '{"state": "serving", "volumes": ' + "[" * 100_000,
        ],
    )
    def test_odd_annotations_are_unknown(self, bench: Bench, odd: str) -> None:
        bench.lease(said=odd)

        [row] = bench.rows(code=1)

        assert (row["state"], row["volumes"], row["trash"]) == ("", None, None)
        assert row["latency_seconds"] is None
        shown = bench.run().stdout
        assert " unknown " in shown
        assert "default, unknown: its leader does not report a state" in shown

    def test_what_blocks_the_trash_is_said_beneath_the_table(self, bench: Bench) -> None:
        """It was in an event alone, which expires."""
        trash = {"volumes": 2, "oldest_seconds": 7300, "blocked": 1, "why": "pvc-a: data: in use"}
        bench.lease(said=SERVING | {"trash": trash})

        assert "\n\ndefault, trash blocked: pvc-a: data: in use\n" in bench.run().stdout

    def test_of_the_trash_only_numbers_are_shown(self, bench: Bench) -> None:
        bench.lease(said=SERVING | {"trash": {"volumes": 1, "oldest_seconds": 1e999, "odd": True}})

        assert bench.rows()[0]["trash"] == {"volumes": 1}

    def test_a_text_cannot_control_the_terminal(self, bench: Bench) -> None:
        bench.lease(said={"state": "serving\x1b[2J"})

        assert bench.rows(code=1)[0]["state"] == "serving\ufffd[2J"


class TestLeader:
    def test_a_lease_that_was_given_up_has_none_and_its_state_is_old(self, bench: Bench) -> None:
        bench.lease(holder="", said=SERVING | {"state": "unavailable", "reason": "it hangs"})

        done = bench.run()

        assert done.exit_code == 1
        assert done.stdout.splitlines()[1].split()[2:4] == ["-", "no-leader"]
        assert "default, no-leader: it was unavailable: it hangs" in done.stdout
        assert bench.rows(code=1)[0]["leader"] == ""
        assert bench.server.count("get") == 0  # nothing to wait for

    @pytest.mark.parametrize("renewed", [60, -60])
    def test_a_lease_that_nobody_renews_has_none(self, bench: Bench, renewed: float) -> None:
        bench.lease(renewed=renewed)

        assert "default, no-leader: it was serving" in bench.run().stdout

    @pytest.mark.parametrize("renewed", [60, -60])
    def test_one_that_is_renewed_by_another_clock_has_one(
        self, bench: Bench, renewed: float
    ) -> None:
        bench.lease(renewed=renewed)
        bench.server.meanwhile("get", bench.renew())

        assert bench.rows()[0]["leader"] == "holdfast-0"

    def test_one_that_another_takes_is_the_others(self, bench: Bench) -> None:
        bench.lease(renewed=60)
        bench.server.meanwhile("get", bench.renew(holderIdentity="holdfast-1"))

        assert bench.rows()[0]["leader"] == "holdfast-1"

    def test_one_that_is_deleted_meanwhile_has_none(self, bench: Bench) -> None:
        bench.lease(renewed=60)
        path = LEASES.path("storage", "example.com-nfs")
        bench.server.meanwhile("get", lambda _: bench.server.objects.delete(path))

        assert bench.rows(code=1)[0]["leader"] == ""

    def test_one_that_is_no_longer_configured_needs_none(self, bench: Bench) -> None:
        bench.lease("fast")
        bench.lease("slow", {"state": "removed"}, holder="")

        assert [row["state"] for row in bench.rows()] == ["serving", "removed"]
        assert bench.run().stdout.splitlines()[2].split()[2:4] == ["-", "removed"]

    @pytest.mark.parametrize("state", ["no-term", "unavailable", "stopped", "removed"])
    def test_a_leader_that_does_not_serve_is_a_failure(self, bench: Bench, state: str) -> None:
        bench.lease("fast")
        bench.lease("slow", SERVING | {"state": state})

        assert bench.run().exit_code == 1


class TestWhich:
    def test_other_leases_and_other_provisioners_are_left_out(self, bench: Bench) -> None:
        bench.lease("fast")
        bench.lease(by=OTHER)
        bench.lease(by="others", annotated=False)

        assert [row["name"] for row in bench.rows("--provisioner-name", NAME)] == ["fast"]
        assert [row["provisioner"] for row in bench.rows()] == [NAME, OTHER]

    def test_exports_whose_leader_also_serves_the_name_are_listed(self, bench: Bench) -> None:
        bench.lease("fast", by=OTHER, also=f"third.example.com/nfs {NAME}")

        [row] = bench.rows("--provisioner-name", NAME)

        assert (row["name"], row["provisioner"]) == ("fast", OTHER)

    def test_a_leader_of_an_earlier_version_is_known_by_its_lease(self, bench: Bench) -> None:
        bench.lease(annotated=False)

        [row] = bench.rows("--provisioner-name", NAME, code=1)

        assert (row["name"], row["leader"], row["state"]) == ("default", "holdfast-0", "")

    def test_a_namespace_is_asked_alone(self, bench: Bench) -> None:
        bench.lease("fast")
        bench.lease("slow", namespace="elsewhere")

        assert [row["name"] for row in bench.rows("-n", "elsewhere")] == ["slow"]
        assert bench.server.requests[-1].path == LEASES.path("elsewhere")

    def test_a_file_says_which_there_should_be(self, bench: Bench) -> None:
        bench.lease("fast")
        bench.lease("old", holder="")
        given = ("--config", bench.config("fast", "slow"), "--provisioner-name", NAME)

        fast, slow = bench.rows(*given, code=1)

        assert (fast["name"], slow["name"]) == ("fast", "slow")
        assert (slow["lease"], slow["leader"], slow["address"]) == ("", "", "nas:/srv/slow")
        said = bench.run(*given).stdout
        assert said.splitlines()[2].split()[2:4] == ["-", "no-leader"]
        assert "slow, no-leader: it has no Lease: does a provisioner run" in said

    @pytest.mark.parametrize("names", [(), ("fast", "slow")])
    def test_where_leases_may_not_be_listed_they_are_read_by_name(
        self, bench: Bench, names: tuple[str, ...]
    ) -> None:
        """The Role of the provisioner's pod."""
        for name in names or ("default",):
            bench.lease(name)
        bench.server.fail("list", FORBIDDEN)
        config = ["--config", bench.config(*names)] if names else []

        rows = bench.rows("--provisioner-name", NAME, *config)

        assert [row["name"] for row in rows] == list(names or ["default"])

    def test_without_their_names_that_is_a_sentence(self, bench: Bench) -> None:
        bench.server.fail("list", FORBIDDEN)

        done = bench.run()

        assert done.exit_code == 1
        assert "Error: fault 403" in done.output
        assert "give --provisioner-name, and --config for several exports" in done.output

    def test_where_their_names_are_others_the_file_is_asked_for(self, bench: Bench) -> None:
        """The Leases of several exports, of which none has the name of a single one's."""
        bench.lease("fast")
        bench.server.fail("list", FORBIDDEN)

        done = bench.run("--provisioner-name", NAME)

        assert done.exit_code == 1
        assert "does a provisioner run" not in done.output
        assert "--config for several exports" in done.output

    def test_that_there_is_none_is_said(self, bench: Bench) -> None:
        done = bench.run("--provisioner-name", NAME)

        assert (done.exit_code, done.stdout) == (1, "")
        assert "does a provisioner run, with leader election?" in done.stderr


class TestOptions:
    def test_one_before_a_command_is_refused(self, bench: Bench) -> None:
        done = bench.run("show")

        assert done.exit_code == 2
        assert "give --kubeconfig after 'show', not before it" in done.output

    def test_a_file_needs_to_know_whose_it_is(self, bench: Bench) -> None:
        done = bench.run("--config", bench.config("fast"))

        assert done.exit_code == 2
        assert "--config needs --provisioner-name" in done.output


def test_a_row_without_a_lease_is_not_well() -> None:
    assert not Row(NAME, "fast", "", "", "nas:/srv").is_well
