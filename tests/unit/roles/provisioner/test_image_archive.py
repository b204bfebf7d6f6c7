"""The image is built in a folder of its own, of which nothing stays but the archive."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import image_archive

from tests.unit.roles.provisioner.images import LOADING, NAME, Machine, labels
from tests.unit.roles.running import refusal, run


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_only_the_archive_stays_for_anybody_to_read(machine: Machine) -> None:
    result = run(image_archive.main, **machine.archive_words())

    archive = Path(result["archive"])
    assert result["changed"] is True
    assert [*machine.temporary.rglob("*")] == [Path(result["folder"]), archive]
    assert archive.read_text() == LOADING
    assert archive.stat().st_mode & 0o777 == 0o644
    assert archive.parent.stat().st_mode & 0o777 == 0o711


@pytest.mark.parametrize("broken", [True, False])
def test_what_buildah_keeps_elsewhere_goes_where_it_was_not_there_before(
    machine: Machine, *, broken: bool
) -> None:
    if broken:
        machine.set("broken", "ERROR")

    run(image_archive.main, **machine.archive_words())

    assert not (machine.folder / "state").exists()
    assert [*(machine.folder / "others").iterdir()] == []


def test_what_another_wrote_there_meanwhile_stays(machine: Machine) -> None:
    """Seen: the volumes of a podman that was first used during the build were removed."""
    machine.set("podman")

    run(image_archive.main, **machine.archive_words())

    assert [path.name for path in (machine.folder / "state").iterdir()] == ["storage"]
    assert (machine.folder / "state/storage/volumes/data").read_text() == "somebody's"


def test_what_was_there_before_stays(machine: Machine) -> None:
    cache = machine.folder / "others/cache"
    cache.mkdir()
    (cache / "blob-info-cache-v1.boltdb").write_text("somebody's")
    (machine.folder / "state/networks").mkdir(parents=True)

    run(image_archive.main, **machine.archive_words())

    assert (cache / "blob-info-cache-v1.boltdb").read_text() == "somebody's"
    assert [path.name for path in (machine.folder / "state").iterdir()] == ["networks"]


def test_mirrors_are_given_for_the_time_of_the_build(machine: Machine) -> None:
    arguments = {"BASE": "mirror/debian:trixie-slim", "PIP_INDEX_URL": "", "APT_SOURCES": "a\nb"}

    run(
        image_archive.main,
        **machine.archive_words(arguments=arguments, certificates="/ca.crt", tls_verify=False),
    )

    calls = (machine.folder / "calls").read_text()
    assert " --build-arg=BASE=mirror/debian:trixie-slim --build-arg=APT_SOURCES=a\nb " in calls
    assert " --build-arg=PIP_CERT=/run/pip.crt --volume=/ca.crt:/run/pip.crt:ro " in calls
    assert " --tls-verify=false " in calls
    assert "PIP_INDEX_URL" not in calls


def test_without_mirrors_the_base_image_is_checked_and_pip_left_to_itself(
    machine: Machine,
) -> None:
    run(image_archive.main, **machine.archive_words())

    line = machine.line("buildah build")
    assert " --tls-verify=true " in line
    assert "--build-arg" not in line
    assert "--volume" not in line


def test_a_build_that_fails_names_the_step_its_last_lines_and_the_remedy(machine: Machine) -> None:
    machine.set("broken", "\n".join([*"abcdefghijklmnop", "ERROR: No matching distribution"]))

    said = refusal(image_archive.main, **machine.archive_words())

    assert said.startswith(
        f"{NAME} could not be built on {platform.node()}: buildah build failed at the step "
        "`RUN pip install --no-compile`. It says: f\n"
    )
    assert "ERROR: No matching distribution\nMend that and run this again, or let provis" in said
    assert said.endswith("and set provisioner_image_build to never.")
    assert [*machine.temporary.iterdir()] == []


def test_a_build_that_does_not_end_is_ended(machine: Machine) -> None:
    machine.set("buildah", "#!/bin/sh\necho 'STEP 2/9: RUN apt-get update'\nexec sleep 30\n")

    said = refusal(image_archive.main, **machine.archive_words(seconds=1))

    assert "buildah build at the step `RUN apt-get update` had not ended after 1 s" in said
    assert "provisioner_image_build_seconds" in said
    assert [*machine.temporary.iterdir()] == []


def test_a_machine_without_buildah_is_told(machine: Machine) -> None:
    machine.set("timeout", "#!/bin/sh\nexit 127\n")
    (machine.folder / "timeout").chmod(0o755)

    assert "buildah build failed." in refusal(image_archive.main, **machine.archive_words())
    assert [*machine.temporary.iterdir()] == []


def test_a_folder_that_is_not_there_is_told(machine: Machine) -> None:
    words = machine.archive_words(directory=str(machine.folder / "none"))

    assert "No such file or directory" in refusal(image_archive.main, **words)


def test_a_source_that_leads_elsewhere_is_not_written(machine: Machine) -> None:
    words = machine.archive_words(files={"../../outside": ""})

    assert "../../outside is outside the sources" in refusal(image_archive.main, **words)
    assert [*machine.temporary.iterdir()] == []


def test_the_image_that_the_machine_has_of_the_same_is_written_without_a_build(
    machine: Machine,
) -> None:
    """So a node that is added later gets it in seconds."""
    machine.have({NAME: labels("new")})

    result = run(image_archive.main, **machine.archive_words())

    assert Path(result["archive"]).read_text() == LOADING
    assert machine.calls() == ["ctr ls", "ctr tag", "ctr export", "ctr rm"]
    assert machine.images() == {NAME: labels("new")}


@pytest.mark.parametrize("down", [True, False])
def test_an_image_of_another_content_is_built_anew(machine: Machine, *, down: bool) -> None:
    machine.have({NAME: labels("old")})
    if down:
        machine.set("down")

    run(image_archive.main, **machine.archive_words())

    assert machine.calls() == ["ctr ls", "buildah build", "buildah push"]


def test_a_dry_run_builds_nothing(machine: Machine) -> None:
    assert run(image_archive.main, check=True, **machine.archive_words())["changed"] is True
    assert machine.calls() == []
    assert [*machine.temporary.iterdir()] == []
