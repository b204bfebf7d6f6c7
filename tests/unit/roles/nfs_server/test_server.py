"""Exports come into force as a whole, or those from before stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import server
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import Exports
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.trial import rehearse

from tests.unit.roles.nfs_server.given import NETWORK, SHOWN, Machine, entry, wanted

IN_FORCE = f"/srv/nfs/k8s\t{NETWORK}({SHOWN})\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "exports.d" / "holdfast.exports"


@pytest.fixture(autouse=True)
def etab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The server's table, in which the usual export is in force."""
    path = tmp_path / "etab"
    path.write_text(IN_FORCE)
    monkeypatch.setattr(server, "ETAB", path)
    monkeypatch.setattr(server, "EXPORTS", tmp_path / "exports")
    return path


def test_exports_are_written_and_in_force(file: Path) -> None:
    machine = Machine()
    assert not server.is_in_force(wanted(), file)

    server.put_in_force(wanted(), file, machine)

    assert machine.ran == ["exportfs -a"]
    assert file.read_text() == wanted().text()
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert server.is_in_force(wanted(), file)


@pytest.mark.parametrize(
    ("outcome", "table", "sentence", "ended"),
    [
        (Outcome(1, "", "exportfs: unknown keyword"), IN_FORCE, "unknown keyword", True),
        (Outcome(0), "", f"/srv/nfs/k8s for {NETWORK} is missing", False),
    ],
)
def test_what_does_not_come_into_force_leaves_the_exports_from_before(
    file: Path, etab: Path, outcome: Outcome, table: str, sentence: str, *, ended: bool
) -> None:
    before = wanted(entry("/srv/other")).text()
    server.write(file, before)
    etab.write_text(table)
    machine = Machine(**{"exportfs -a": outcome})

    with pytest.raises(Refused) as caught:
        server.put_in_force(wanted(), file, machine)

    assert sentence in str(caught.value)
    assert str(caught.value).endswith("the exports from before are back")
    assert file.read_text() == before
    end = [f"exportfs -u {NETWORK}:/srv/nfs/k8s", "exportfs -a"]
    assert machine.ran == ["exportfs -a", "exportfs -a", *(end if ended else [])]


def test_what_somebody_exported_without_a_file_is_left_alone(file: Path, etab: Path) -> None:
    """`exportfs -ra` would end it."""
    etab.write_text(f"{IN_FORCE}/srv/media\t192.0.2.7({SHOWN})\n")
    machine = Machine()

    server.put_in_force(wanted(), file, machine)

    assert not [line for line in machine.ran if "-r" in line]
    assert server.others_exports(wanted(), file) == ["/srv/media"]


def test_what_others_have_in_files_is_theirs_while_the_server_is_stopped(
    file: Path, etab: Path
) -> None:
    """A server that stops empties its table."""
    etab.write_text("")
    server.write(file, wanted().text())
    server.EXPORTS.write_text("# none\n\n/srv/media 192.0.2.7(ro) # old\n/srv/b \\\n  *(ro)\n")
    (file.parent / "zfs.exports").write_text('"/tank/my films" *(ro)\n/tank/a\\040b\t*(ro)\n')
    (file.parent / "ignored").write_text("/ignored *(ro)\n")
    (file.parent / ".ignored.exports").write_text("/ignored *(ro)\n")

    assert server.others_exports(wanted(), file) == [
        "/srv/b",
        "/srv/media",
        "/tank/a b",
        "/tank/my films",
    ]


def test_an_export_that_another_has_as_well_is_theirs_too(file: Path) -> None:
    """The table has it once."""
    server.write(file, wanted().text())
    assert server.others_exports(wanted(), file) == []

    server.EXPORTS.write_text(f"/srv/nfs/k8s {NETWORK}(rw)\n")

    assert server.others_exports(wanted(), file) == ["/srv/nfs/k8s"]


def test_exports_that_end_are_told_to_the_server_one_by_one_after_the_new(
    file: Path, etab: Path
) -> None:
    server.write(file, wanted(entry(clients=[NETWORK, "fd00::/64"])).text())
    etab.write_text(f"{IN_FORCE}/srv/nfs/k8s\tfd00::/64({SHOWN})\n")
    machine = Machine()

    with pytest.raises(Refused, match="is still exported to fd00::/64, which was to end"):
        server.put_in_force(wanted(), file, machine)

    assert machine.ran == [
        "exportfs -a",
        "exportfs -u [fd00::/64]:/srv/nfs/k8s",
        "exportfs -a",
    ]


def test_a_table_that_somebody_else_changed_is_not_in_force(file: Path, etab: Path) -> None:
    server.write(file, wanted().text())
    etab.unlink()

    assert not server.is_in_force(wanted(), file)


def test_no_exports_are_no_file(file: Path, etab: Path) -> None:
    server.write(file, wanted().text())
    etab.write_text("")

    server.put_in_force(Exports((), ()), file, Machine())

    assert not file.exists()
    assert server.is_in_force(Exports((), ()), file)


def test_a_link_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)

    with pytest.raises(Refused, match=f"/link is a link to {tmp_path}; export that instead"):
        server.check_directories(wanted(entry(f"{tmp_path}/link")), Machine())


def test_a_file_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Refused, match="/file is there and no directory; choose another path"):
        server.check_directories(wanted(entry(f"{tmp_path}/file")), Machine())


def test_a_file_system_without_a_lasting_id_needs_an_fsid(tmp_path: Path) -> None:
    tmpfs = Machine(findmnt=Outcome(0, "tmpfs\n"))
    path = f"{tmp_path}/to/be/made"

    with pytest.raises(Refused, match=r"is on a file system of the kind tmpfs, .* fsid=NUMBER"):
        server.check_directories(wanted(entry(path)), tmpfs)
    assert tmpfs.ran[0].endswith(f"--target {tmp_path}")

    server.check_directories(wanted(entry(path, options=["fsid=7"])), tmpfs)
    server.check_directories(wanted(entry(path)), Machine(findmnt=Outcome(0, "xfs\n")))


def test_a_dry_run_sees_the_other_files_and_the_candidate(tmp_path: Path, file: Path) -> None:
    server.write(file, "before\n")
    (file.parent / "other.exports").write_text("/other *(ro)\n")
    (file.parent / "ignored").touch()
    seen: dict[str, str] = {}

    def unshare(*command: str) -> Outcome:
        folder, tables = map(Path, command[-2:])
        seen.update({path.name: path.read_text() for path in folder.iterdir()})
        assert {path.name for path in tables.iterdir()} == {"etab", "rmtab", "xtab"}
        (tables / "etab").write_text(f"{tmp_path} {NETWORK}({SHOWN})\n")
        return Outcome(0)

    exports = wanted(entry(str(tmp_path)))
    rehearse(exports, file, unshare)

    assert seen == {file.name: exports.text(), "other.exports": "/other *(ro)\n"}
    assert file.read_text() == "before\n"


def test_a_dry_run_has_stand_ins_for_directories_to_be_made(file: Path) -> None:
    def unshare(*command: str) -> Outcome:
        line = Path(command[-2], file.name).read_text().splitlines()[1]
        standin = line.split(" ")[0]
        assert Path(standin).is_dir()
        Path(command[-1], "etab").write_text(f"{standin} {NETWORK}({SHOWN})\n")
        return Outcome(0)

    rehearse(wanted(entry("/not/there")), file, unshare)

    assert not Path("/not").exists()


def test_what_fails_in_a_dry_run_is_said_in_the_words_of_exportfs(file: Path) -> None:
    refusing = Machine(unshare=Outcome(98, "", "exportfs: line 2: unknown keyword 'x'\n"))

    with pytest.raises(Refused, match="nothing was changed: exportfs: line 2: unknown keyword"):
        rehearse(wanted(), file, refusing)


def test_what_comes_out_otherwise_in_a_dry_run_is_named(file: Path) -> None:

    with pytest.raises(Refused, match="in a dry run: /srv/nfs/k8s for worker1 is missing"):
        rehearse(wanted(entry(clients=["worker1"])), file, Machine())
