"""ansible-test's sanity tests of the collection, and antsibull-docs on its documentation.

`make sanity`.

They run on the collection as it is built and installed, in a temporary folder. Their virtual
environments are in the cache, and nothing is written into the user's home.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from testbed.errors import SanityError, TestbedError
from testbed.programs.cache import Cache

COLLECTION: Final = Path(__file__).parent.parent
INSTALLED: Final = Path("ansible_collections", "holdfast", "nfs")
# Where ansible-test looks for the script that bootstraps pip, before it downloads one.
BOOTSTRAP: Final = Path(".ansible", "test", "cache", "get_pip_24_2.py")
_ENSUREPIP: Final = "import ensurepip\nensurepip.bootstrap(upgrade=True, default_pip=True)\n"
_PIP_SETTINGS: Final = (".config/pip", ".pip")
_DEADLINE: Final = 120.0  # seconds, to build or to install

# Pylint's rules for plugins, and YAML of one document, are not for what is no part of Ansible: the
# Python package (ruff and mypy look at it), the chart's templates, Kubernetes manifests.
_SELECTED: Final = ("pylint", "yamllint")
_OTHERS: Final = ("provisioner/", "examples/")
RUNS: Final = (
    [f"--skip-test={name}" for name in _SELECTED],
    [*(f"--test={name}" for name in _SELECTED), *(f"--exclude={path}" for path in _OTHERS)],
)
# As the docsite of Ansible renders it, with each reference to an option or a plugin.
DOCUMENTATION: Final = (
    "lint-collection-docs",
    "--plugin-docs",
    "--validate-collection-refs=dependent",
)


def build(folder: Path) -> Path:
    """Builds the collection into the folder; the archive."""
    _galaxy("build", str(COLLECTION), f"--output-path={folder}", folder=folder)
    return next(folder.glob("*.tar.gz"))


def install(archive: Path, folder: Path) -> Path:
    """Installs the archive beneath the folder; where the collection is then."""
    where = f"--collections-path={folder}"
    _galaxy("install", str(archive), "--no-deps", "--offline", where, folder=folder)
    return folder / INSTALLED


def prepare(home: Path) -> None:
    """Makes a home for ansible-test: with what bootstraps pip, and the user's settings of pip."""
    script = home / BOOTSTRAP
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(_ENSUREPIP, encoding="utf-8")
    for name in _PIP_SETTINGS:
        link = home / name
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(Path.home() / name)


def check(collection: Path, home: Path) -> int:
    """Runs all tests; the first exit code that is not 0, or 0."""
    python = f"--python={sys.version_info.major}.{sys.version_info.minor}"
    runs = [("ansible-test", "sanity", python, *arguments) for arguments in RUNS]
    runs.append(("antsibull-docs", *DOCUMENTATION, str(collection)))
    codes = [
        subprocess.run(
            [_program(name), *words],
            cwd=collection,
            env=_environment(collection) | {"HOME": str(home)},
            check=False,
        ).returncode
        for name, *words in runs
    ]
    return next(filter(None, codes), 0)


def main() -> int:
    """Builds, installs and checks the collection; ansible-test's exit code."""
    cache = Cache("home", "sanity")
    home = cache.path("ansible-test")
    with tempfile.TemporaryDirectory(prefix="holdfast-sanity-") as name, cache.locked(print):
        folder = Path(name)
        prepare(home)
        return check(install(build(folder), folder), home)


def _galaxy(*arguments: str, folder: Path) -> None:
    done = subprocess.run(
        [_program("ansible-galaxy"), "collection", *arguments],
        cwd=folder,  # away from ansible.cfg, which has the checkout installed already
        env=_environment(folder),
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
        check=False,
    )
    if done.returncode:
        raise SanityError(f"ansible-galaxy collection {arguments[0]}: {done.stderr.strip()}")


def _environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"ANSIBLE_HOME": str(folder / ".ansible"), "ANSIBLE_COLLECTIONS_PATH": str(folder)}
    return os.environ | own | {"PATH": path}


def _program(name: str) -> Path:
    return Path(sys.executable).parent / name


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TestbedError as error:
        sys.exit(str(error))
