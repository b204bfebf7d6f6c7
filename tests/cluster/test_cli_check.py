"""`holdfast check`: each line is ok or says what to do, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.controller.permissions import NEEDED, NEEDED_TO_LEAD
from holdfast.kube.resources import EVENTS
from tests.cluster.site import Site
from tests.cluster.typed import AS_NOBODY, Typed, holdfast

VERBS = [(verb, kind.plural) for kind, verbs in (NEEDED | NEEDED_TO_LEAD).items() for verb in verbs]


def check(site: Site, *arguments: str, kubeconfig: str = "", **variables: str) -> Typed:
    given = {
        "PROVISIONER_NAME": site.name,
        "KUBECONFIG": kubeconfig or str(site.plane.kubeconfig),
        "HOLDFAST_ROOT": str(site.root),
        "POD_NAMESPACE": site.namespace,
    }
    typed = holdfast("check", *arguments, variables=given | variables)
    assert typed.err == ""
    return typed


def failures(typed: Typed) -> list[str]:
    """What fails, and the advice in the line below it."""
    lines = typed.out.splitlines()
    return [
        f"{line} {lines[number + 1].strip()}"
        for number, line in enumerate(lines)
        if line.startswith("FAILS ")
    ]


def test_all_is_well_for_a_user_with_exactly_the_permissions_needed(site: Site) -> None:
    site.make_class(parameters={"onDelete": "delete"})
    config = site.kubeconfig_with(NEEDED | NEEDED_TO_LEAD)

    typed = check(site, kubeconfig=config)

    assert (typed.code, failures(typed)) == (0, [])
    assert typed.out.splitlines()[-1] == f"all {typed.out.count('ok    ')} checks are ok"
    assert "\x1b" not in typed.out


def test_nothing_is_left_behind(site: Site) -> None:
    site.make_class()

    check(site)

    assert list(site.root.iterdir()) == []
    assert site.volumes() == []


def test_every_permission_that_is_missing_is_told_with_what_to_grant(site: Site) -> None:
    typed = check(site, kubeconfig=site.kubeconfig_with({}))

    assert typed.code == 1
    for verb, plural in VERBS:
        advice = f"grant '{verb}' on '{plural}'"
        assert any(f"may {verb} {plural}" in line and advice in line for line in failures(typed))


def test_one_permission_that_is_missing_is_the_only_one_told(site: Site) -> None:
    site.make_class()
    config = site.kubeconfig_with(NEEDED | NEEDED_TO_LEAD | {EVENTS: ("create",)})

    typed = check(site, kubeconfig=config)

    assert typed.code == 1
    assert [line for line in failures(typed) if "grant 'patch' on 'events'" in line]
    assert "1 of" in typed.out.splitlines()[-1]


def test_without_leader_election_no_lease_is_needed(site: Site) -> None:
    site.make_class()
    config = site.kubeconfig_with(NEEDED)

    assert check(site, kubeconfig=config).code == 1
    assert check(site, kubeconfig=config, ENABLE_LEADER_ELECTION="false").code == 0


def test_that_no_class_names_the_provisioner_is_told(site: Site) -> None:
    site.make_class(provisioner="example.com/other")

    typed = check(site)

    assert typed.code == 1
    assert f"create a StorageClass whose field provisioner is '{site.name}'" in failures(typed)[0]


def test_a_class_that_cannot_be_served_is_named_with_its_parameter(site: Site) -> None:
    good, bad = site.make_class("good"), site.make_class("bad", parameters={"onDelet": "x"})

    typed = check(site)

    assert typed.code == 1
    assert [bad in line and "'onDelet'" in line for line in failures(typed)] == [True]
    assert f"ok    StorageClass '{good}' can be served" in typed.out


def test_claims_that_wait_for_a_class_that_is_not_there_are_named_and_fail_no_check(
    site: Site,
) -> None:
    site.make_class()
    missing = f"{site.namespace}-missing"
    for number in range(5):
        site.claim(missing, f"waiting-{number}")

    typed = check(site)

    [line] = [one for one in typed.out.splitlines() if f"'{missing}'" in one]
    assert line.startswith("note  waiting for StorageClass")
    assert f"{site.namespace}/waiting-0, " in line
    assert line.endswith(" and 2 more")
    assert typed.code == 0


def test_an_export_that_is_missing_is_named(site: Site) -> None:
    site.make_class()
    site.root.rmdir()

    typed = check(site)

    assert typed.code == 1
    assert str(site.root) in failures(typed)[0]


def test_a_file_in_place_of_the_export_is_told(site: Site) -> None:
    site.make_class()
    site.root.rmdir()
    site.root.touch()

    typed = check(site)

    assert "Not a directory" in failures(typed)[0]


def test_the_export_can_be_left_out(site: Site) -> None:
    site.make_class()
    site.root.rmdir()

    assert check(site, "--skip-export").code == 0


@pytest.fixture
def open_to_all(site: Site) -> Iterator[Path]:
    """A folder that nobody may enter, unlike the test's own, with a kubeconfig to be read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(site.plane.kubeconfig, folder / "kubeconfig")
        (folder / "kubeconfig").chmod(0o644)
        (folder / "export").mkdir(mode=0o755)
        yield folder
        (folder / "export").chmod(0o755)


def check_as_nobody(site: Site, folder: Path, *arguments: str) -> Typed:
    """As root, by a process that gives its rights up; as anybody else, as oneself."""
    given = {
        "PROVISIONER_NAME": site.name,
        "KUBECONFIG": str(folder / "kubeconfig"),
        "HOLDFAST_ROOT": str(folder / "export"),
    }
    program = ("-c", AS_NOBODY) if os.geteuid() == 0 else ("-m", "holdfast")
    return holdfast("check", *arguments, variables=given, program=program)


def test_an_export_that_cannot_be_written_is_told_with_a_hint(
    site: Site, open_to_all: Path
) -> None:
    site.make_class()
    (open_to_all / "export").chmod(0o555)

    typed = check_as_nobody(site, open_to_all)

    assert typed.code == 1
    assert ["no_root_squash" in line for line in failures(typed)] == [True]


def test_an_owner_that_may_not_be_given_is_told_and_leaves_nothing_behind(
    site: Site, open_to_all: Path
) -> None:
    site.make_class()
    (open_to_all / "export").chmod(0o777)

    typed = check_as_nobody(site, open_to_all, "--default-gid", "0", "--default-uid", "0")

    assert ["mode and owner" in line for line in failures(typed)] == [True]
    assert "ok    make a directory on the export" not in failures(typed)
    assert list((open_to_all / "export").iterdir()) == []


def test_an_api_server_that_does_not_answer_is_told_and_the_export_is_left_alone(
    site: Site, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    there = site.plane.kubeconfig.read_text()
    config.write_text(there.replace(site.plane.url, "https://127.0.0.1:1"))

    typed = check(site, kubeconfig=str(config))

    assert typed.code == 1
    assert ["127.0.0.1:1" in line for line in failures(typed)] == [True, True]
    assert "FAILS the export's id matches the volumes" in typed.out
    assert "make a directory on the export" not in typed.out


def test_a_kubeconfig_that_is_missing_is_a_line_like_any_other(site: Site) -> None:
    typed = check(site, kubeconfig="/nonexistent/config")

    assert typed.code == 1
    assert "/nonexistent/config" in failures(typed)[0]


def test_an_empty_folder_in_the_place_of_the_export_fails_and_is_left_alone(site: Site) -> None:
    running = site.serve()
    site.bound(site.claim(site.make_class()))
    running.stop()
    shutil.rmtree(site.root)
    site.root.mkdir()

    typed = check(site, NFS_SERVER=site.server, NFS_PATH="/export")

    assert typed.code == 1
    assert "FAILS the export's id matches the volumes" in failures(typed)[0]
    assert "make a directory on the export" not in typed.out
    assert list(site.root.iterdir()) == []
