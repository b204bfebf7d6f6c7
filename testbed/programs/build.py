"""Programs built from their Go modules, pinned by the go.mod and go.sum beside this file.

The version is stamped in by the linker as the release builds do; without it, clients refuse to
speak to `v0.0.0`.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from testbed.errors import ProgramError
from testbed.programs.recipes import KUBERNETES_VERSION, MODULE, Recipe
from testbed.programs.toolchain import find_go

_DEADLINE: Final = 3000.0  # seconds for one program, cold, on one slow core
_TAIL: Final = 5  # lines of Go's complaint that go into an error


def build(recipe: Recipe, target: Path, root: Path, report: Callable[[str], None]) -> None:
    """Build the program into `target`; `root` is where a toolchain may be installed.

    Raises:
        ProgramError: no Go can be had, or it could not build the program.
    """
    go = find_go(root, report)
    report(
        f"building {recipe.name} from Go modules "
        f"(about {recipe.duration} on 2 cores, only the first time) …"
    )
    start = time.monotonic()
    _compile(go, recipe, target)
    report(f"built {recipe.name} in {time.monotonic() - start:.0f} s")


def _compile(go: Path, recipe: Recipe, target: Path) -> None:
    command: list[str | Path] = [go, "build", "-trimpath", "-ldflags", _linker_flags()]
    # GOTOOLCHAIN and GOWORK: the compiler we chose and the modules we pinned, no others.
    environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    try:
        subprocess.run(
            [*command, "-o", target, recipe.package],
            cwd=MODULE,
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


def _linker_flags() -> str:
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    stamps = {"gitVersion": KUBERNETES_VERSION, "gitMajor": major, "gitMinor": minor}
    package = "k8s.io/component-base/version"
    return " ".join(["-s", "-w", *(f"-X {package}.{key}={val}" for key, val in stamps.items())])
