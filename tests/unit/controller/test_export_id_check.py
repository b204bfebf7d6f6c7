"""The wrong place is recognised (design, rule 9): before anything is touched, and told once."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.objects import Volume, parse_volume
from holdfast.controller.export_id_check import ExportIdCheck
from holdfast.exports.errors import ExportError, Failed, TimedOut, WrongExport
from holdfast.exports.interface import ExportInfo
from tests.logged import captured_logs
from tests.unit.controller.given import ADDRESS, ANOTHER_ID, ID, a_volume, ref, volume

OURS, ANOTHERS = ExportInfo(ID, 2), ExportInfo(ANOTHER_ID, 2)
EMPTY, VERSION_1 = ExportInfo(), ExportInfo(format=1)


class Bench:
    """A process that has not led yet, and the volumes of its provisioner."""

    def __init__(self) -> None:
        self.volumes: list[Volume] = []
        self.told: list[str] = []
        self.told_of_addresses: list[str] = []
        self.there: set[str] = set()
        self.failing: dict[str, ExportError] = {}
        self.looked_for: list[str] = []
        self.addresses: tuple[Address, ...] = (ADDRESS, Address("ssd", "/fast"))
        self.identity = self.identity_at(ADDRESS)

    def identity_at(self, address: Address) -> ExportIdCheck:
        return ExportIdCheck(
            address,
            lambda _: self.volumes,
            self.has_directory,
            self.told.append,
            self.told_of_addresses.append,
            addresses=lambda: self.addresses,
        )

    def has_directory(self, directory: str) -> bool:
        self.looked_for.append(directory)
        if directory in self.failing:
            raise self.failing[directory]
        return directory in self.there

    def add(self, **given: Any) -> None:
        self.volumes.append(volume(ref(str(len(self.volumes))), **given))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_no_export_is_known_to_be_mounted_before_one_was_seen(bench: Bench) -> None:
    assert bench.identity.mounted_id == ""


@pytest.mark.parametrize("info", [OURS, ANOTHERS, EMPTY, VERSION_1])
def test_without_any_volume_every_export_will_do(bench: Bench, info: ExportInfo) -> None:
    bench.identity.check(info)

    assert bench.told == []


def test_neither_export_nor_cluster_is_known_at_first(bench: Bench) -> None:
    assert (bench.identity.export_id, bench.identity.cluster) == ("", "")


@pytest.mark.parametrize("server", ["nas", "NAS.", "192.0.2.1"])
def test_the_export_that_volumes_name_is_the_right_one(bench: Bench, server: str) -> None:
    bench.add(server=server)

    bench.identity.check(OURS)


@pytest.mark.parametrize(
    ("info", "what"),
    [
        (ANOTHERS, f"the export {ANOTHER_ID}"),
        (EMPTY, "an export without .holdfast/export"),
        (VERSION_1, "an export without .holdfast/export"),
    ],
)
def test_another_than_volumes_name_is_refused_with_the_way_out(
    bench: Bench, info: ExportInfo, what: str
) -> None:
    bench.add()

    with pytest.raises(WrongExport) as refusal:
        bench.identity.check(info)

    assert refusal.value.message == (
        f"{what} is mounted here, not {ID}: mount that one, or, if this is to take its place, run "
        "`holdfast exports accept`"
    )
    assert bench.told == [refusal.value.message]


def test_one_of_several_exports_is_named_in_the_way_out() -> None:
    told: list[str] = []
    volumes = [volume(ref())]
    identity = ExportIdCheck(
        ADDRESS, lambda _: volumes, lambda _: True, told.append, print, name="fast"
    )

    with pytest.raises(WrongExport, match="run `holdfast exports accept --export fast`"):
        identity.check(EMPTY)

    assert "run `holdfast exports accept --export fast`" in told[0]


def test_a_volume_at_an_alias_of_the_server_counts(bench: Bench) -> None:
    bench.add(server="192.0.2.1")

    with pytest.raises(WrongExport):
        bench.identity.check(EMPTY)


@pytest.mark.parametrize("where", [{"server": "other"}, {"directory": "../elsewhere/data"}])
def test_a_volume_of_another_server_or_path_says_nothing(bench: Bench, where: Any) -> None:
    bench.add(export_id=ANOTHER_ID, **where)
    bench.add(export_id="", **where)

    bench.identity.check(OURS)
    bench.identity.check(EMPTY)


def test_one_export_of_several_that_volumes_name_is_taken(bench: Bench) -> None:
    """Those of the other are refused one by one."""
    bench.add(export_id=ANOTHER_ID)
    bench.add(export_id=ID)

    bench.identity.check(OURS)
    bench.identity.check(ANOTHERS)


@pytest.mark.parametrize("info", [VERSION_1, OURS])
def test_volumes_of_version_1_want_an_export_with_records(bench: Bench, info: ExportInfo) -> None:
    """It gets its id now, or another replica has just given it one."""
    bench.add(export_id="")
    bench.there.add("team/data")

    bench.identity.check(info)


def test_volumes_of_version_1_are_not_on_an_empty_export(bench: Bench) -> None:
    bench.add(export_id="")
    bench.add(export_id="")

    with pytest.raises(WrongExport) as refusal:
        bench.identity.check(EMPTY)

    assert refusal.value.message == (
        "an export without any record is mounted here, but volume pvc-0 was created on one: "
        "mount that one, or, if this one replaces it, run `holdfast exports accept`"
    )


class TestVolumesWithoutAnId:
    """Inherited ones, and those of version 1: one of their directories must exist."""

    @pytest.mark.parametrize("info", [EMPTY, VERSION_1, OURS, ANOTHERS])
    def test_one_directory_of_theirs_is_enough(self, bench: Bench, info: ExportInfo) -> None:
        bench.add(annotated=False, directory="lost")
        bench.add(annotated=False, directory="here")
        bench.there.add("here")

        bench.identity.check(info)

        assert bench.told == []

    def test_usually_one_look_is_all_it_costs(self, bench: Bench) -> None:
        for directory in "abc":
            bench.add(annotated=False, directory=directory)
        bench.there |= {"a", "b", "c"}

        bench.identity.check(EMPTY)

        assert bench.looked_for == ["a"]

    @pytest.mark.parametrize("info", [EMPTY, VERSION_1, ANOTHERS])
    def test_without_any_the_export_is_not_theirs_with_the_way_out(
        self, bench: Bench, info: ExportInfo
    ) -> None:
        bench.add(annotated=False, directory="a")
        bench.add(annotated=False, directory="b")

        with pytest.raises(WrongExport) as refusal:
            bench.identity.check(info)

        assert refusal.value.message == (
            "none of the 2 volumes' directories is here: mount their export, or, if they are lost, "
            "run `holdfast exports accept --allow-empty`"
        )
        assert bench.told == [refusal.value.message]

    @pytest.mark.parametrize("annotated", [True, False])
    def test_one_volume_alone_is_named_by_its_directory(
        self, bench: Bench, *, annotated: bool
    ) -> None:
        bench.add(annotated=annotated, export_id="", directory="a/b")

        with pytest.raises(WrongExport, match="the only volume's directory, 'a/b', is not here"):
            bench.identity.check(VERSION_1)

    def test_the_id_that_another_volume_names_decides(self, bench: Bench) -> None:
        bench.add(annotated=False, directory="lost")
        bench.add()

        bench.identity.check(OURS)
        with pytest.raises(WrongExport, match=f"not {ID}"):
            bench.identity.check(EMPTY)

        assert bench.looked_for == []

    def test_an_id_of_another_server_decides_nothing(self, bench: Bench) -> None:
        bench.add(annotated=False, directory="lost")
        bench.add(server="other")

        with pytest.raises(WrongExport, match="'lost', is not here"):
            bench.identity.check(OURS)

    @pytest.mark.parametrize(
        "where",
        [{"server": "other"}, *({"directory": one} for one in ("../x", "a/../b", ".holdfast/x"))],
    )
    def test_a_volume_that_is_refused_says_nothing(self, bench: Bench, where: Any) -> None:
        bench.add(annotated=False, **where)
        bench.identity.check(EMPTY)

        bench.add(annotated=False, directory="lost")
        bench.there.add(".holdfast/x")
        with pytest.raises(WrongExport, match="'lost', is not here"):
            bench.identity.check(EMPTY)

    def test_who_has_led_on_it_needs_no_directory(self, bench: Bench) -> None:
        """The last of them may have been deleted since."""
        bench.add(annotated=False)
        bench.identity.export_id = ID

        bench.identity.check_all(OURS)

        assert bench.looked_for == []

    def test_one_that_cannot_be_looked_at_leaves_the_answer_to_the_others(
        self, bench: Bench
    ) -> None:
        bench.add(annotated=False, directory="closed")
        bench.add(annotated=False, directory="here")
        bench.failing["closed"] = Failed("Permission denied")

        with pytest.raises(Failed, match="Permission denied"):  # which is not to say it is lost
            bench.identity.check(EMPTY)
        bench.there.add("here")
        bench.identity.check(EMPTY)

    def test_an_export_that_hangs_is_asked_once(self, bench: Bench) -> None:
        for directory in "ab":
            bench.add(annotated=False, directory=directory)
            bench.failing[directory] = TimedOut("no answer")

        with pytest.raises(TimedOut):
            bench.identity.check(EMPTY)

        assert bench.looked_for == ["a"]


@pytest.mark.parametrize("info", [ANOTHERS, EMPTY, VERSION_1])
def test_who_has_led_on_an_export_takes_no_other(bench: Bench, info: ExportInfo) -> None:
    bench.identity.export_id = ID

    with pytest.raises(WrongExport, match=f"not {ID}"):
        bench.identity.check(info)
    bench.identity.check(OURS)


def test_what_is_wrong_is_told_once_until_it_changes_or_is_right_again(bench: Bench) -> None:
    bench.identity.export_id = ID
    for info in (EMPTY, EMPTY, ANOTHERS, ANOTHERS):
        with pytest.raises(WrongExport):
            bench.identity.check(info)
    assert len(bench.told) == 2

    bench.identity.check(OURS)
    with pytest.raises(WrongExport):
        bench.identity.check(ANOTHERS)

    assert len(bench.told) == 3


def test_another_address_is_told_once_until_it_changes(bench: Bench) -> None:
    bench.identity.export_id = ID
    bench.add(server="old")
    with captured_logs() as lines:
        bench.identity.warn_of_unknown_addresses()
        bench.identity.warn_of_unknown_addresses()
    [told] = bench.told_of_addresses
    assert "1 volume of this provisioner that is on this export names its server as old" in told
    assert [line["reason"] for line in lines] == [told]
    assert bench.identity.unknown_addresses() == 1

    bench.add(server="old")
    bench.identity.warn_of_unknown_addresses()
    assert "2 volumes of this provisioner" in bench.told_of_addresses[1]

    bench.volumes.clear()
    bench.identity.warn_of_unknown_addresses()
    assert len(bench.told_of_addresses) == 2


def test_the_first_export_tells_of_inherited_volumes_on_none(bench: Bench) -> None:
    """As with a former address of the server, which nfs-subdir's volumes name."""
    bench.identity.export_id = ID
    bench.add(server="old", export_id="", annotated=False)
    bench.add(server="ssd", export_id="", annotated=False)
    bench.add(server="elsewhere", export_id=ANOTHER_ID)

    bench.identity.warn_of_unknown_addresses()

    assert bench.identity.unknown_addresses() == 2
    [told] = bench.told_of_addresses
    assert "1 volume of this provisioner is at old:/srv/team/data, which it does not" in told

    bench.addresses = bench.addresses[::-1]
    bench.identity.warn_of_unknown_addresses()
    assert bench.identity.unknown_addresses() == 0
    assert len(bench.told_of_addresses) == 1


class TestAnotherPath:
    """The right export is mounted, and its path is mistyped or has changed."""

    @pytest.fixture(params=["/srv/nfs", "/export"])
    def mistyped(self, bench: Bench, request: pytest.FixtureRequest) -> Bench:
        """Volumes at /srv, this export at another path."""
        bench.identity = bench.identity_at(Address("nas", request.param))
        bench.add()
        bench.add(directory="other")
        return bench

    def test_an_export_whose_volumes_all_name_another_path_is_not_used(
        self, mistyped: Bench
    ) -> None:
        with pytest.raises(WrongExport, match=r"2 volumes .* name it as nas:/srv, not nas:"):
            mistyped.identity.check(OURS)

        assert len(mistyped.told) == 1

    def test_with_one_at_its_path_it_is_used_and_the_others_are_told(self, mistyped: Bench) -> None:
        at = mistyped.identity._address
        made = a_volume(ref("9"), "data-9")
        made["spec"]["nfs"]["path"] = at.path_of("data-9")
        made["metadata"] |= {"uid": "pv", "resourceVersion": "1"}
        mistyped.volumes.append(parse_volume(made))

        mistyped.identity.check_all(OURS)
        mistyped.identity.export_id = ID
        mistyped.identity.warn_of_unknown_addresses()

        assert "2 volumes" in mistyped.told_of_addresses[0]

    def test_at_another_server_too_it_is_used(self, mistyped: Bench) -> None:
        """The server has moved: an alias may be missing, pods mount what is new."""
        mistyped.add(server="old")

        mistyped.identity.check_all(OURS)

    def test_another_export_that_is_mounted_does_not_blame_the_path(self, mistyped: Bench) -> None:
        mistyped.identity.check_all(ANOTHERS)


def test_an_export_beneath_the_given_path_is_not_the_one_at_it(bench: Bench) -> None:
    """The path of a parent: each volume lies beneath it, and none is on it."""
    bench.identity = bench.identity_at(Address("nas", "/"))
    bench.add()

    with pytest.raises(WrongExport, match=r"set NFS_PATH \(chart: .*\) to /srv; or"):
        bench.identity.check(OURS)
