"""The provisioner's image is built with this machine's settings, and none of them stays in it."""

from __future__ import annotations

from pathlib import Path

from testbed.supplies.provisioner import build_words, inputs, pip_settings

LISTED = """\
:env:.cert='/etc/ssl/certs/own.crt'
:env:.disable-pip-version-check='1'
global.cert='/etc/ssl/certs/of-all.crt'
global.index-url='https://mirror.example/simple'
"""


def test_the_environments_settings_count_before_the_files() -> None:
    assert pip_settings(LISTED)["cert"] == "/etc/ssl/certs/own.crt"


def test_a_mirror_and_its_certificates_are_given_for_the_time_of_the_build() -> None:
    words = build_words("registry/base", pip_settings(LISTED))

    assert "--build-arg=BASE=registry/base" in words
    assert "--build-arg=PIP_INDEX_URL=https://mirror.example/simple" in words
    assert "--build-arg=PIP_CERT=/run/pip.crt" in words
    assert "--volume=/etc/ssl/certs/own.crt:/run/pip.crt:ro" in words


def test_without_settings_pip_is_left_to_itself() -> None:
    words = build_words("registry/base", pip_settings(""))

    assert [word for word in words if "PIP" in word or "volume" in word] == []


def test_an_image_is_made_anew_when_something_changed_that_is_copied_into_it(
    tmp_path: Path,
) -> None:
    contents = {
        "provisioner/Containerfile": "FROM a AS b\nCOPY lock.txt /\nCOPY code /x\n"
        "FROM scratch\nCOPY --from=b /x /\n",
        "lock.txt": "",
        "code/run.py": "",
        "code/__pycache__/run.pyc": "",
        "other.txt": "",
    }
    for name, text in contents.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    found = {str(path.relative_to(tmp_path)) for path in inputs(tmp_path)}

    assert found == {"provisioner/Containerfile", "lock.txt", "code/run.py"}
