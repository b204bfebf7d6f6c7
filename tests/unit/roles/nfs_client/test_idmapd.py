"""The domain of users' names is set where nobody else has set another."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.modules import idmap_domain

from tests.unit.roles.running import Programs

DEBIAN = "[General]\n\nVerbosity = 0\n# Domain = localdomain\n\n[Mapping]\nNobody-User = nobody\n"
OTHER = DEBIAN.replace("# Domain = localdomain", "Domain = corp.example")


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(monkeypatch)


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """As Debian's package leaves it."""
    path = tmp_path / "idmapd.conf"
    path.write_text(DEBIAN)
    return path


def own(main: Path) -> str:
    path = main.with_name("idmapd.conf.d") / "50-holdfast.conf"
    return path.read_text() if path.exists() else ""


def test_a_domain_is_set_beside_the_machines_own_file(programs: Programs, main: Path) -> None:
    assert programs.result(idmap_domain.main, path=str(main), domain="example.org")["changed"]
    assert "[General]\nDomain = example.org\n" in own(main)
    assert main.read_text() == DEBIAN
    again = programs.result(idmap_domain.main, path=str(main), domain="example.org")
    assert again["changed"] is False


def test_without_a_domain_the_machines_is_left_alone(programs: Programs, main: Path) -> None:
    main.write_text(OTHER)

    assert programs.result(idmap_domain.main, path=str(main))["changed"] is False
    assert (own(main), main.read_text()) == ("", OTHER)


@pytest.mark.parametrize("place", ["idmapd.conf", "idmapd.conf.d/10-site.conf"])
def test_a_domain_that_another_set_is_not_replaced(
    programs: Programs, main: Path, place: str
) -> None:
    path = main.parent / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(OTHER)

    result = programs.result(idmap_domain.main, path=str(main), domain="example.org")

    assert result["failed"] is True
    assert "nfs_client_idmap_domain" in result["msg"]
    assert f"{path} on this machine has the domain corp.example" in result["msg"]
    assert own(main) == ""


def test_the_same_domain_of_another_is_enough(programs: Programs, main: Path) -> None:
    main.write_text(OTHER)

    result = programs.result(idmap_domain.main, path=str(main), domain="corp.example")

    assert result["changed"] is False
    assert own(main) == ""


def test_a_domain_that_the_role_set_may_change(programs: Programs, main: Path) -> None:
    programs.result(idmap_domain.main, path=str(main), domain="example.org")

    assert programs.result(idmap_domain.main, path=str(main), domain="example.net")["changed"]
    assert "example.net" in own(main)


def test_a_check_sets_nothing(programs: Programs, main: Path) -> None:
    said = programs.result(idmap_domain.main, check=True, path=str(main), domain="example.org")

    assert said["changed"] is True
    assert own(main) == ""


def test_a_check_removes_nothing(programs: Programs, main: Path) -> None:
    programs.result(idmap_domain.main, path=str(main), domain="example.org")
    before = own(main)

    said = programs.result(idmap_domain.main, check=True, path=str(main), state="absent")

    assert said["changed"] is True
    assert own(main) == before


def test_only_the_roles_own_file_is_removed(programs: Programs, main: Path) -> None:
    main.write_text(OTHER)
    programs.result(idmap_domain.main, path=str(main), domain="corp.example")
    assert programs.result(idmap_domain.main, path=str(main), state="absent")["changed"] is False

    main.write_text(DEBIAN)
    programs.result(idmap_domain.main, path=str(main), domain="example.org")
    assert programs.result(idmap_domain.main, path=str(main), state="absent")["changed"] is True
    assert (own(main), main.read_text()) == ("", DEBIAN)
