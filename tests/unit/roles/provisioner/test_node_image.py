"""A node has the provisioner's image: pulled, or built and loaded, and none of another content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.containerd import read_images
from ansible_collections.holdfast.nfs.plugins.modules import image_state, node_image

from tests.unit.roles.provisioner.images import LOADING, NAME, Machine, labels
from tests.unit.roles.running import Result, refusal, run

NOTHING = {"built": False, "needed": False, "changed": False, "said": ""}
NEEDED = {"built": True, "needed": True, "changed": False, "said": ""}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def look(*, check: bool = False, **more: Any) -> Result:
    found = run(image_state.main, check=check, name=NAME, key="new", **more)
    assert not found.pop("failed", False), found
    found.pop("invocation")
    return found


def test_the_labels_are_the_last_column_of_what_ctr_prints() -> None:
    listing = (
        "REF              TYPE      DIGEST   SIZE    PLATFORMS                LABELS \n"
        "a.example/b:1    x/y+json  sha256:0 1.1 KiB linux/amd64,linux/arm64  - \n"
        "a.example/b:10   x/y+json  sha256:0 1.1 KiB linux/amd64              k=v,l=w=x \n"
    )

    assert read_images(listing) == {"a.example/b:1": {}, "a.example/b:10": {"k": "v", "l": "w=x"}}
    assert read_images(listing.splitlines()[0]) == read_images("") == {}


def test_an_image_that_is_there_is_not_asked_for_again(machine: Machine) -> None:
    machine.have({NAME: {}})

    assert look() == NOTHING
    assert machine.calls() == ["ctr ls"]


def test_an_image_that_can_be_pulled_is_pulled(machine: Machine) -> None:
    machine.set("registry", NAME)

    assert look() == {**NOTHING, "changed": True}
    assert machine.images() == {NAME: {}}
    assert look() == NOTHING


def test_an_image_that_cannot_be_pulled_is_needed_with_what_was_said(machine: Machine) -> None:
    assert look() == {**NEEDED, "said": "ctr: failed to resolve reference: 403 Forbidden"}
    assert machine.images() == {}


def test_pulling_asks_the_mirrors_of_containerd(machine: Machine, tmp_path: Path) -> None:
    look(hosts=str(tmp_path / "nowhere"))
    look(hosts=str(tmp_path))

    calls = (tmp_path / "calls").read_text().splitlines()
    pulls = [call for call in calls if call.startswith("ctr pull")]
    assert pulls == [f"ctr pull {NAME}", f"ctr pull --hosts-dir {tmp_path} {NAME}"]
    assert machine.images() == {}


def test_pulling_ends_in_time(machine: Machine) -> None:
    machine.set("ctr", "#!/bin/sh\ncase $4 in pull) exec sleep 30;; esac\n")

    assert look(seconds=1) == {**NEEDED, "said": "it had not ended after 1 s"}


def test_an_image_that_was_built_of_the_same_stays(machine: Machine) -> None:
    machine.have({NAME: labels("new")})

    assert look() == look(build="always") == {**NOTHING, "built": True}


def test_one_that_was_built_of_something_else_is_needed_and_not_pulled(machine: Machine) -> None:
    machine.have({NAME: labels("old")})
    machine.set("registry", NAME)

    assert look() == NEEDED
    assert machine.calls() == ["ctr ls"]


def test_one_that_is_not_pinned_is_loaded_again(machine: Machine) -> None:
    machine.have({NAME: {"holdfast.io/built-from": "new"}})

    assert look() == NEEDED


def test_one_that_was_pulled_is_replaced_only_where_it_is_always_built(machine: Machine) -> None:
    machine.have({NAME: {}})

    assert look(build="always") == NEEDED


def test_a_dry_run_pulls_nothing_and_tells_of_a_change(machine: Machine) -> None:
    machine.set("registry", NAME)

    assert look(check=True) == {**NOTHING, "changed": True}
    assert machine.calls() == ["ctr ls"]


def test_a_dry_run_tells_of_an_image_of_another_content(machine: Machine) -> None:
    machine.have({NAME: labels("old")})

    assert look(check=True) == {**NEEDED, "changed": True}


def test_a_dry_run_comes_to_its_end_on_a_bare_machine(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.folder / "ctr").unlink()
    monkeypatch.setenv("PATH", str(machine.folder))

    assert look(check=True) == {**NOTHING, "changed": True}


def test_a_node_whose_containerd_is_down_is_told_with_the_remedy(machine: Machine) -> None:
    machine.set("down")

    said = refusal(image_state.main, name=NAME, key="new")

    assert said == (
        f"Whether this node has {NAME} cannot be told: containerd could not list its images. "
        "ctr says: ctr: failed to dial: connection refused. Run playbooks/cluster.yml, "
        "which sets containerd up, or set provisioner_image_build to never."
    )


def load(machine: Machine, *, check: bool = False, content: str = LOADING) -> Result:
    archive = machine.folder / "image.tar"
    archive.write_text(content)
    return run(node_image.main, check=check, name=NAME, archive=str(archive), key="new")


@pytest.mark.parametrize("before", [{}, {NAME: {}}, {NAME: labels("old")}])
def test_an_image_is_loaded_in_place_of_another_and_pinned_and_only_once(
    machine: Machine, before: dict[str, dict[str, str]]
) -> None:
    machine.have(before)

    assert load(machine, check=True)["changed"] is True
    assert machine.images() == before
    assert load(machine)["changed"] is True
    assert machine.images() == {NAME: labels("new")}
    assert load(machine)["changed"] is False
    assert look() == {**NOTHING, "built": True}


def test_an_archive_with_another_image_is_refused(machine: Machine) -> None:
    said = load(machine, content="other:1")["msg"]

    assert (
        said == f"the archive of {NAME} has no image of that name. Mend that, then run this again."
    )


@pytest.mark.parametrize("transfer", [True, False])
@pytest.mark.parametrize("before", [{}, {NAME: labels("old")}])
@pytest.mark.parametrize("cut", [LOADING, NAME])
def test_an_image_that_was_loaded_but_not_labelled_does_not_count_as_pulled(
    machine: Machine, before: dict[str, dict[str, str]], *, cut: str, transfer: bool
) -> None:
    """Seen: it was `not needed` from then on, and no reset removed it."""
    if transfer:
        machine.set("transfer")
    machine.have(before)
    machine.set("unlabelled", cut)
    assert load(machine)["failed"] is True
    machine.set("unlabelled")

    assert look() == {**NEEDED, "said": look()["said"]}
    assert load(machine)["changed"] is True
    assert machine.images() == {NAME: labels("new")}
    assert look() == {**NOTHING, "built": True}


@pytest.mark.parametrize("names", [(LOADING,), (NAME, LOADING)])
def test_what_a_run_that_was_killed_left_is_loaded_again_and_removed(
    machine: Machine, names: tuple[str, ...]
) -> None:
    machine.have({name: {} for name in names})

    assert look()["needed"] is True
    assert load(machine)["changed"] is True
    assert machine.images() == {NAME: labels("new")}

    machine.have({LOADING: {}})
    assert run(node_image.main, name=NAME, state="absent")["changed"] is True
    assert machine.images() == {}


def test_one_that_can_be_pulled_after_all_ends_what_a_killed_run_began(machine: Machine) -> None:
    machine.have({LOADING: {}})
    machine.set("registry", NAME)

    assert look() == {**NOTHING, "changed": True}
    assert machine.images() == {NAME: {}}
    assert look() == NOTHING


def version(number: int) -> str:
    return f"ghcr.io/some/holdfast:0.{number}.0"


def upgrade(machine: Machine, number: int) -> None:
    archive = machine.folder / "image.tar"
    archive.write_text(f"{version(number)}.loading")
    words: dict[str, Any] = {"name": version(number), "archive": str(archive), "key": f"k{number}"}
    assert run(node_image.main, **words)["changed"] is True
    assert run(node_image.main, **words)["changed"] is False


def test_of_former_versions_the_last_stays_until_the_next_is_loaded(machine: Machine) -> None:
    """Seen: each stayed, pinned, for ever."""
    others: dict[str, dict[str, str]] = {
        "ghcr.io/some/holdfast:pulled": {},
        "ghcr.io/some/holdfast-other:1": labels("x"),
    }
    machine.have(others)
    for number in (1, 2, 3):
        upgrade(machine, number)

    assert {*machine.images()} == {*others, version(2), version(3)}


def test_all_that_was_loaded_is_removed_in_the_end(machine: Machine) -> None:
    """Seen: a reset removed the present version alone."""
    machine.have({"ghcr.io/some/holdfast:pulled": {}})
    for number in (1, 2):
        upgrade(machine, number)

    assert run(node_image.main, name=version(2), state="absent")["changed"] is True
    assert machine.images() == {"ghcr.io/some/holdfast:pulled": {}}


def test_only_an_image_that_was_loaded_is_removed(machine: Machine) -> None:
    other = "docker.io/library/redis:8"
    machine.have({NAME: labels("old"), other: {}})

    absent: dict[str, Any] = {"name": NAME, "state": "absent"}
    assert run(node_image.main, check=True, **absent)["changed"] is True
    assert run(node_image.main, **absent)["changed"] is True
    assert machine.images() == {other: {}}
    assert run(node_image.main, **absent)["changed"] is False
    assert run(node_image.main, name=other, state="absent")["changed"] is False


def test_where_no_containerd_is_left_nothing_is_removed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.folder / "ctr").unlink()
    monkeypatch.setenv("PATH", str(machine.folder))

    assert run(node_image.main, name=NAME, state="absent")["changed"] is False
