"""A directory's mode: what YAML made a number of is taken only where nothing else can be meant."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.modes import read_mode

from tests.unit.roles.nfs_server.given import entry, wanted


@pytest.mark.parametrize("mode", ["0770", "770", "2770", "02770", "u=rwx,g=rx,o=", "g+w"])
def test_a_mode_in_quotes_is_taken_as_it_is(mode: str) -> None:
    assert read_mode(mode) == mode


@pytest.mark.parametrize("mode", ["0700", "0750", "0755", "0770", "0775", "0777", "1777", "2775"])
def test_a_usual_mode_that_yaml_read_as_octal_is_that_mode(mode: str) -> None:
    assert read_mode(int(mode, 8)) == mode


@pytest.mark.parametrize(
    ("mode", "meant"),
    [
        *((777, "0777"), (755, "0755"), (770, "0770"), (700, "0700"), (750, "0750")),
        *((775, "0775"), (1777, "1777"), (2770, "2770"), (2775, "2775"), (644, "0644")),
        *((0, "0000"), (999, "0770"), (0o644, "0420"), (70000, "0770")),
    ],
)
def test_a_number_that_is_no_usual_mode_is_refused(mode: int, meant: str) -> None:
    with pytest.raises(Refused) as caught:
        read_mode(mode)

    assert str(caught.value) == f'mode {mode} is a number; write it in quotes, as "{meant}"'


@pytest.mark.parametrize("mode", ["", "rwx", "0o770", "888", "77", "07777777", True, 7.5, ["0770"]])
def test_what_is_no_mode_is_refused(mode: object) -> None:
    with pytest.raises(Refused, match=r'is none; write octal digits in quotes, as "0770"'):
        read_mode(mode)


def test_no_directory_gets_mode_1411_of_the_number_777() -> None:
    with pytest.raises(Refused, match='mode 777 is a number; write it in quotes, as "0777"'):
        wanted(entry(mode=777))


def test_two_spellings_of_one_mode_do_not_differ() -> None:
    exports = wanted(entry(mode=0o770), entry(mode="0770", clients=["10.0.0.1"]))

    assert [directory.mode for directory in exports.directories] == ["0770"]
