"""An example goes to the machine as one argument, with all that it is made from."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.holdfast.nfs.plugins.lookup.example_files import LookupModule

EXAMPLES = Path(__file__).parents[4] / "examples"


def read(name: str) -> dict[str, str]:
    [files] = LookupModule().run([name], folder=str(EXAMPLES))
    return files


def test_the_files_of_an_example_are_in_it_and_of_no_other() -> None:
    assert sorted(read("redis")) == [
        "redis/Kustomization",
        "redis/class.yaml",
        "redis/statefulset.yaml",
    ]


def test_a_variant_comes_with_what_it_varies() -> None:
    assert read("mysql-replication/mariadb") == read("mysql-replication")
    assert "mysql-replication/base/statefulset.yaml" in read("mysql-replication")


@pytest.mark.parametrize("name", ["redix", "redis/class.yaml", "../examples/redis", "", "."])
def test_a_name_that_is_no_examples_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(AnsibleLookupError, match=r"no example .*; there are cronjob, daemonset"):
        read(name)
