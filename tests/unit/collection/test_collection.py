"""The collection as it is built: what is in it, and what it says of itself."""

from __future__ import annotations

import fnmatch
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.nfs.plugins.module_utils.provisioner.sources import image_sources
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import holdfast
from testbed import sanity
from tests.unit.docs.linking import dead_links, documents

HERE = Path(__file__).parents[3]
PLUGINS = "ansible_collections.holdfast.nfs.plugins"
TOP = {
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"),
    *("FILES.json", "MANIFEST.json", "meta", "tests"),  # Galaxy's and ansible-test's
    *("inventory", "playbooks", "plugins", "roles", "site.yml"),
    "docs",  # messages and the README name them
    "examples",  # the role workloads applies them
    *("provisioner", "pyproject.toml", "requirements"),  # of which the image is built
}


def locked(package: str) -> Version:
    """The version that developers and tests run."""
    text = (HERE / "requirements/dev.txt").read_text()
    found = re.search(rf"^{package}==(\S+)", text, re.MULTILINE)
    assert found is not None
    return Version(found[1])


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the collection is installed."""
    folder = tmp_path_factory.mktemp("collection")
    return sanity.install(sanity.build(folder), folder)


def ran(collection: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One of Ansible's programs, away from the checkout, with what is installed."""
    return subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=collection.parent,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collection.parents[2])},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.fixture(scope="session")
def documented(collection: Path) -> dict[str, dict[str, Any]]:
    """What ansible-doc reads of the collection, by the kind and the name of a plugin."""
    said = ran(collection, "ansible-doc", "--metadata-dump", "holdfast.nfs")
    assert said.returncode == 0, said.stderr
    assert said.stderr == ""
    return dict(json.loads(said.stdout)["all"])


def test_the_collection_has_what_belongs_in_it_and_nothing_else(collection: Path) -> None:
    assert {path.name for path in collection.iterdir()} == TOP


def test_a_virtual_environment_as_the_documents_make_it_is_neither_built_nor_committed() -> None:
    """With what is installed in it."""
    text = (HERE / "docs/install.md").read_text(encoding="utf-8")
    folders = {*re.findall(r"-m venv (\S+)", text)}
    ignored = (HERE / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert folders
    assert folders <= {*yaml.safe_load((HERE / "galaxy.yml").read_text())["build_ignore"]}
    assert {f"/{folder}" for folder in folders} <= {*ignored}


@pytest.mark.parametrize(
    "name", ["hosts", "hosts.yml", "hosts.ini", "inventory.ini", "group_vars", "host_vars"]
)
def test_a_user_s_inventory_in_the_clone_is_not_built(name: str) -> None:
    """It may have passwords in it."""
    patterns = yaml.safe_load((HERE / "galaxy.yml").read_text())["build_ignore"]

    assert [pattern for pattern in patterns if fnmatch.fnmatch(name, pattern)]


def test_each_playbook_can_be_called_by_its_full_name(collection: Path) -> None:
    """Ansible takes no dash in one."""
    names = sorted(f"holdfast.nfs.{path.stem}" for path in collection.glob("playbooks/*.yml"))
    inventory = str(collection / "inventory/vagrant.yml")

    said = ran(collection, "ansible-playbook", "--syntax-check", "-i", inventory, *names)

    assert len(names) > 10
    assert said.returncode == 0, said.stderr


def test_what_its_documents_link_to_is_in_it(collection: Path) -> None:
    dead = {file.name: dead_links(file) for file in documents(collection)}

    assert {name: links for name, links in dead.items() if links} == {}


def test_how_to_install_it_is_said() -> None:
    assert "install.md#as-a-collection" in (HERE / "README.md").read_text(encoding="utf-8")
    assert "`galaxy.yml`" in (HERE / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_of_the_tests_only_what_ansible_test_reads_is_in_it(collection: Path) -> None:
    found = {str(path.relative_to(collection)) for path in (collection / "tests").rglob("*")}

    assert found == {"tests/config.yml", "tests/sanity", "tests/sanity/ignore-2.19.txt"}


def test_nothing_that_a_program_left_in_the_checkout_is_in_it(collection: Path) -> None:
    names = {path.name for path in collection.rglob("*")}

    assert {name for name in names if name.startswith((".", "__pycache__"))} <= {".helmignore"}
    assert {name for name in names if name.endswith((".pyc", ".egg-info", ".tar.gz"))} == set()
    assert list(collection.glob("inventory/lab*")) == []


def test_the_image_is_built_of_the_same_from_it_as_from_a_checkout(collection: Path) -> None:
    """By the path that the role has in either."""
    root = collection / "roles/provisioner/../.."

    assert image_sources(root) == image_sources(HERE)


def test_collection_provisioner_and_chart_have_one_version(collection: Path) -> None:
    manifest = json.loads((collection / "MANIFEST.json").read_text())
    chart = yaml.safe_load((collection / "provisioner/chart/Chart.yaml").read_text())

    assert manifest["collection_info"]["version"] == holdfast.__version__
    assert chart["version"] == holdfast.__version__


def test_the_ansible_that_it_requires_is_the_one_that_it_is_tested_with(collection: Path) -> None:
    required = yaml.safe_load((collection / "meta/runtime.yml").read_text())["requires_ansible"]
    series = ".".join(map(str, locked("ansible-core").release[:2]))

    assert SpecifierSet(required).contains(locked("ansible-core"))
    assert required == f">={series}.0"
    # ansible-test reads no other.
    assert [path.name for path in collection.glob("tests/sanity/*")] == [f"ignore-{series}.txt"]


def plugins() -> set[tuple[str, str]]:
    """The kind and the name of each plugin, as the code has them."""
    found = {
        (kind.removesuffix("s"), path.stem)
        for kind in ("modules", "lookup")
        for path in (HERE / "plugins" / kind).glob("*.py")
    }
    for path in (HERE / "plugins/filter").glob("*.py"):
        module = importlib.import_module(f"{PLUGINS}.filter.{path.stem}")
        found |= {("filter", name) for name in module.FilterModule().filters()}
    return found


@pytest.mark.parametrize(("kind", "name"), sorted(plugins()))
def test_a_plugin_is_documented_with_an_example_and_what_it_returns(
    kind: str, name: str, documented: dict[str, dict[str, Any]]
) -> None:
    said = documented[kind][f"holdfast.nfs.{name}"]

    assert said["doc"]["short_description"]
    assert said["doc"]["author"] == "Holdfast (@holdfast-io)"
    assert f"holdfast.nfs.{name}" in said["examples"]
    assert said["return"] is not None or kind == "module"


def test_nothing_is_documented_that_is_not_there(documented: dict[str, dict[str, Any]]) -> None:
    found = {(kind, name) for kind in ("module", "filter", "lookup") for name in documented[kind]}

    assert found == {(kind, f"holdfast.nfs.{name}") for kind, name in plugins()}


def test_every_role_is_documented(documented: dict[str, dict[str, Any]]) -> None:
    roles = {f"holdfast.nfs.{path.name}" for path in (HERE / "roles").iterdir()}

    assert set(documented["role"]) == roles
