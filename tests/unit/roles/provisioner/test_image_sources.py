"""What the provisioner's image is built from, on the controller, and how it is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.holdfast.nfs.plugins.lookup.image_sources import LookupModule
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.sources import (
    CONTAINERFILE,
    image_key,
    image_reference,
    image_settings,
    nodes_without_image,
)

from tests.unit.roles.reading import HERE, defaults


def sources() -> dict[str, str]:
    (found,) = LookupModule().run([str(HERE)])
    return found


def test_all_that_the_containerfile_copies_is_sent() -> None:
    package = {
        str(path.relative_to(HERE))
        for path in (HERE / "provisioner/holdfast").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert set(sources()) == {CONTAINERFILE, "requirements/run.txt", *package}


def test_a_folder_without_the_sources_is_named_with_the_variable(tmp_path: Path) -> None:
    with pytest.raises(AnsibleLookupError, match=f"^{tmp_path} does not have all.*_image_sources"):
        LookupModule().run([str(tmp_path)])


def test_a_source_that_the_containerfile_names_and_that_is_not_there_is_missed(
    tmp_path: Path,
) -> None:
    (tmp_path / "provisioner").mkdir()
    (tmp_path / CONTAINERFILE).write_text("FROM scratch\nCOPY lock.txt /\n")

    with pytest.raises(AnsibleLookupError, match=r"lock\.txt"):
        LookupModule().run([str(tmp_path)])


def test_the_key_changes_with_content_path_and_base_and_nothing_else() -> None:
    key = image_key({"a": "1", "b": "2"}, "debian")

    assert image_key({"b": "2", "a": "1"}, "debian") == key
    others = ({"a": "1", "b": "3"}, "debian"), ({"a": "1", "c": "2"}, "debian"), ({"a": "1"}, "x")
    assert key not in {image_key(files, base) for files, base in others}


@pytest.mark.parametrize(
    ("repository", "whole"),
    [
        ("ghcr.io/some/one", "ghcr.io/some/one:1"),
        ("registry:5000/one", "registry:5000/one:1"),
        ("localhost/one", "localhost/one:1"),
        ("some/one", "docker.io/some/one:1"),
        ("one", "docker.io/library/one:1"),
    ],
)
def test_an_image_has_the_name_by_which_the_kubelet_looks_for_it(
    repository: str, whole: str
) -> None:
    assert image_reference(repository, "1") == whole


def test_the_machine_that_builds_decides_where_it_has_a_variable() -> None:
    own = {"repository": "mine", "tag": ""}

    found = image_settings(own, {"provisioner_image_repository": "its", "other": 1})

    assert found == {"repository": "its", "tag": ""}


def test_only_nodes_that_need_the_image_get_it() -> None:
    looks = {"a": {"needed": True}, "b": {"needed": False}, "c": {"skipped": True}}
    machines = {name: {"__provisioner_image_look": look} for name, look in looks.items()}

    assert nodes_without_image(["a", "b", "c", "d"], {**machines, "d": {}}) == ["a"]


def test_the_role_builds_on_the_base_of_the_containerfile() -> None:
    base = defaults(HERE / "roles/provisioner")["provisioner_image_base"]

    assert f"\nARG BASE={base}\n" in sources()[CONTAINERFILE]
