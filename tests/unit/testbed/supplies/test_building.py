"""What the provisioner's image is built of can be had in the lab, all of it."""

from __future__ import annotations

from pathlib import Path

from testbed.lab import services
from testbed.lab.services import image_variables
from testbed.supplies import DEFAULT_VERSIONS
from testbed.supplies.building import (
    CONTAINERFILE,
    REQUIREMENTS,
    download_words,
    packages_of,
    project_of,
    python_of,
)
from testbed.supplies.images import images
from tests.unit.roles.reading import HERE, options

TEXT = CONTAINERFILE.read_text(encoding="utf-8")


def test_the_packages_are_those_that_the_containerfile_fetches() -> None:
    found = packages_of(TEXT)

    assert {"python3-pip", "base-files", "zlib1g", f"python{python_of(TEXT)}-minimal"} <= {*found}
    assert [name for name in found if not name.replace(".", "").replace("-", "").isalnum()] == []


def test_a_package_of_each_line_is_found_and_no_command() -> None:
    text = (
        "ARG PYTHON=3.13\n"
        "RUN apt-get update && apt-get install --yes a\n"
        "RUN mkdir b \\\n && apt-get download c \\\n      d${PYTHON}-e \\\n && rm f\n"
    )

    assert packages_of(text) == ["a", "c", "d3.13-e"]


def test_wheels_are_fetched_for_the_images_python_and_checked() -> None:
    words = download_words("3.13", "aarch64", Path("/wheels"))

    assert "--python-version=3.13" in words
    assert "--platform=manylinux_2_17_aarch64" in words
    assert "--require-hashes" in words
    assert f"--requirement={REQUIREMENTS}" in words


def test_a_wheel_is_where_pip_looks_for_its_project() -> None:
    assert project_of("websocket_client-1.9.2-py3-none-any.whl") == "websocket-client"
    assert project_of("PyYAML-6.0-cp313-cp313-linux_x86_64.whl") == "pyyaml"


def test_the_base_image_is_in_the_labs_registry() -> None:
    there = {f"{image.name}:{tag}" for image in images(DEFAULT_VERSIONS) for tag in image.tags}

    assert str(image_variables()["provisioner_image_base"]).partition("/")[2] in there


def test_the_variables_of_the_lab_are_those_of_the_role() -> None:
    assert {*image_variables()} <= {*options(HERE / "roles/provisioner")}
    assert services.IMAGE_PIP in image_variables()["provisioner_image_pip_index_url"]
