"""The collection is checked in a home of its own, and what ansible-test says is passed on."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from testbed import sanity
from testbed.errors import SanityError

ANSIBLE_TEST = """#!/bin/sh
echo "$HOME $*" >> {log}
case "$*" in *{failing}*) exit 3;; esac
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def program(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has this run in place of Ansible's programs."""
    path = folder / "program"
    path.write_text(script)
    path.chmod(0o755)
    monkeypatch.setattr(sanity, "_program", lambda _: path)


@pytest.mark.parametrize("failing", ["--skip-test=pylint", "--test=pylint", "--plugin-docs"])
def test_it_fails_when_one_of_the_runs_fails_and_all_are_done(
    failing: str, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, ANSIBLE_TEST.format(log=log, failing=f'" {failing}"'), monkeypatch)

    code = sanity.check(tmp_path, tmp_path / "home")

    assert code == 3
    assert len(log.read_text().splitlines()) == 3


def test_it_succeeds_in_a_home_of_its_own(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, ANSIBLE_TEST.format(log=log, failing="nothing"), monkeypatch)

    assert sanity.check(tmp_path, tmp_path / "home") == 0
    assert {line.split()[0] for line in log.read_text().splitlines()} == {str(tmp_path / "home")}


def test_the_documentation_is_looked_at_as_the_docsite_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def program(name: str) -> Path:
        ran.append(name)
        return Path("/bin/true")

    monkeypatch.setattr(sanity, "_program", program)

    assert sanity.check(tmp_path, tmp_path / "home") == 0
    assert ran[-1] == "antsibull-docs"


def test_what_ansible_galaxy_complains_of_is_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "#!/bin/sh\necho no such key >&2; exit 1\n", monkeypatch)

    with pytest.raises(SanityError, match="ansible-galaxy collection build: no such key"):
        sanity.build(tmp_path)


def test_the_home_can_be_prepared_again_and_has_the_users_settings_of_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "user/.config/pip/pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text("[global]\n")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    home = tmp_path / "home"

    sanity.prepare(home)
    sanity.prepare(home)

    assert (home / ".config/pip/pip.conf").read_text() == "[global]\n"
    assert "ensurepip" in (home / sanity.BOOTSTRAP).read_text()


def test_the_script_that_bootstraps_pip_has_the_name_that_ansible_test_looks_for() -> None:
    found = find_spec("ansible_test")
    assert found is not None
    assert found.submodule_search_locations is not None
    source = Path(found.submodule_search_locations[0], "_internal/python_requirements.py")

    version = re.search(r"pip='([\d.]+)'", source.read_text())

    assert version is not None
    assert sanity.BOOTSTRAP.name == f"get_pip_{version[1].replace('.', '_')}.py"
