"""What machines are made from, and what names it in the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed.errors import LabError
from testbed.lab import apt, image, packages
from testbed.lab.apt import choose_mirrors, configuration
from testbed.lab.kernel import FRAGMENT, absent, newest_source


def test_the_newest_kernel_is_taken_by_number_not_by_letter() -> None:
    names = ["linux-source-7.9", "linux-source-7.10", "linux-source-6.12", "linux-source"]

    assert newest_source(names) == "linux-source-7.10"


def test_a_mirror_without_kernels_is_said_to_be_incomplete() -> None:
    with pytest.raises(LabError, match="has no linux-source-\\* package; let its apt sources"):
        newest_source(["linux-source-doc"])


def test_an_option_that_the_kernel_did_not_take_is_named() -> None:
    fragment = "# why\nCONFIG_A=y\nCONFIG_B=n\nCONFIG_C=y\n"

    assert absent(fragment, "CONFIG_A=y\nCONFIG_B=y\n# CONFIG_C is not set\n") == [
        "CONFIG_B=n",
        "CONFIG_C=y",
    ]


def test_an_option_that_is_not_there_is_as_good_as_switched_off() -> None:
    assert absent("CONFIG_A=n\n", "CONFIG_AB=y\n") == []


def test_no_option_of_the_fragment_is_said_twice() -> None:
    options = [line for line in FRAGMENT.read_text().splitlines() if line.startswith("CONFIG_")]

    assert len({line.partition("=")[0] for line in options}) == len(options)


def test_the_mirrors_are_those_of_this_machines_own_apt() -> None:
    lines = [
        "nodistro https://deb.example/node",
        "trixie http://mirror.example/debian/",
        "trixie-updates http://mirror.example/debian/",
        "trixie-security http://mirror.example/debian-security/",
    ]

    assert choose_mirrors(lines, "trixie") == (
        "http://mirror.example/debian",
        "http://mirror.example/debian-security",
    )


def test_an_ubuntu_has_no_mirror_of_debian_among_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "os_release", lambda: {"ID": "ubuntu"})
    monkeypatch.setenv("HOLDFAST_DEBIAN_URL", "http://mirror.example/debian/")
    monkeypatch.setenv("HOLDFAST_DEBIAN_SECURITY_URL", "http://mirror.example/debian-security")

    assert apt.mirrors.__wrapped__() == (
        "http://mirror.example/debian",
        "http://mirror.example/debian-security",
    )


@pytest.mark.parametrize("missing", apt.MIRRORS)
def test_an_ubuntu_is_told_which_variables_name_the_mirrors(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(apt, "os_release", lambda: {"ID": "ubuntu"})
    for name in apt.MIRRORS:
        monkeypatch.setenv(name, "http://mirror.example/debian")
    monkeypatch.delenv(missing)

    with pytest.raises(LabError, match="set HOLDFAST_DEBIAN_URL and HOLDFAST_DEBIAN_SECURITY_URL"):
        apt.mirrors.__wrapped__()


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        ([], "trixie and trixie-security"),
        (["trixie http://mirror.example/debian/"], "trixie-security"),
        (["trixie-security http://mirror.example/debian-security/"], "trixie"),
    ],
)
def test_a_machine_whose_apt_lacks_a_mirror_is_told_which(lines: list[str], missing: str) -> None:
    with pytest.raises(LabError, match=f"apt sources do not have {missing}; add what is missing"):
        choose_mirrors(lines, "trixie")


def test_nothing_of_this_machines_own_apt_is_written_to(tmp_path: Path) -> None:
    lines = configuration(tmp_path, None).splitlines()
    places = [line.split('"')[1] for line in lines if line.startswith(("Dir::State", "Dir::Cache"))]

    assert all(place.startswith((str(tmp_path), "/dev/null")) for place in places)


def test_releases_have_images_of_their_own() -> None:
    assert image.image_key("trixie") != image.image_key("bookworm")


def test_an_image_is_made_anew_when_a_file_in_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "_HERE", tmp_path)
    (tmp_path / "file").write_text("before")
    before = image.image_key("trixie")
    (tmp_path / "file").write_text("after")

    assert image.image_key("trixie") != before


def test_packages_are_fetched_anew_for_another_image() -> None:
    one, other = (image.Image("trixie", key, Path("disk"), Path("status")) for key in "ab")

    assert packages.packages_key(one) != packages.packages_key(other)


def test_images_hold_nothing_that_roles_install() -> None:
    assert not set(image._PACKAGES) & (set(packages.PACKAGES) - {"kmod"})
