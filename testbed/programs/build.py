"""Programs built from their Go modules, pinned by a go.mod and its go.sum."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from testbed.errors import ProgramError
from testbed.programs.recipes import Module, Recipe
from testbed.programs.toolchain import ToolchainError, find_go

_DEADLINE: Final = 3000.0  # seconds for one program, cold, on one slow core
_TAIL: Final = 5  # lines of Go's complaint that go into an error


def build(
    recipe: Recipe,
    target: Path,
    root: Path,
    report: Callable[[str], None],
    refusals: Iterable[str] = (),
) -> None:
    """Build the program into `target`.

    Args:
        recipe: which one.
        target: the file to write.
        root: where a toolchain may be installed.
        report: told in one line what takes long.
        refusals: why it could not be downloaded, for an error's sentence.

    Raises:
        ProgramError: no Go can be had, or it could not build the program.
    """
    go = _find_go(recipe, root, report, refusals)
    report(
        f"building {recipe.name} from Go modules "
        f"(about {recipe.duration} on 2 cores, only the first time) …"
    )
    start = time.monotonic()
    _compile(go, recipe, target)
    report(f"built {recipe.name} in {time.monotonic() - start:.0f} s")


def _find_go(
    recipe: Recipe, root: Path, report: Callable[[str], None], refusals: Iterable[str]
) -> Path:
    try:
        return find_go(root, report)
    except ToolchainError as error:
        reasons = ", ".join([*refusals, str(error)])
        raise ProgramError(
            f"{recipe.name} can be neither downloaded nor built ({reasons}): connect this machine "
            "to the internet, install Go 1.26 or newer, let HOLDFAST_RELEASE_URL name a mirror, or "
            "KUBEBUILDER_ASSETS a folder that has the program"
        ) from error


def _compile(go: Path, recipe: Recipe, target: Path) -> None:
    module = recipe.module
    command: list[str | Path] = [go, "build", "-trimpath", "-ldflags", _linker_flags(module)]
    if module.static_c:
        command.append("-tags=netgo,osusergo")  # what the C library cannot do in a static program
    # GOTOOLCHAIN and GOWORK: the compiler we chose and the modules we pinned, no others.
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off"}
    environment["CGO_ENABLED"] = "1" if module.static_c else "0"
    try:
        subprocess.run(
            [*command, "-o", target, recipe.package],
            cwd=module.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_DEADLINE,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"{_failed(recipe, go)} within {_DEADLINE:.0f} s; {_ADVICE}") from error
    except subprocess.CalledProcessError as error:
        tail = "\n".join(error.stdout.strip().splitlines()[-_TAIL:])
        raise ProgramError(f"{_failed(recipe, go)}; {_ADVICE}. Go says:\n{tail}") from error


_ADVICE: Final = (
    "check that its module proxy can be reached (go env GOPROXY), "
    "or set HOLDFAST_RELEASE_URL or KUBEBUILDER_ASSETS"
)


def _failed(recipe: Recipe, go: Path) -> str:
    return f"{recipe.name} could not be built with {go}"


def _linker_flags(module: Module) -> str:
    c_library = ["-linkmode external", "-extldflags -static"] if module.static_c else []
    stamps = _release_stamps(module.release) | dict(module.stamps)
    return " ".join(["-s", "-w", *c_library, *(f"-X {key}={val}" for key, val in stamps.items())])


def _release_stamps(release: str) -> dict[str, str]:
    """What the release builds of Kubernetes have."""
    if not release:
        return {}
    major, minor, _ = release.removeprefix("v").split(".")
    stamps = {"gitVersion": release, "gitMajor": major, "gitMinor": minor}
    return {f"k8s.io/component-base/version.{key}": value for key, value in stamps.items()}
