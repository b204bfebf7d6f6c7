"""What is mutated, and which tests have to notice.

Tests of other folders belong in the table where they hold a promise of the package; those that
need a control plane do not: a mutant may take seconds, not minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """A folder of code and its tests, by their paths from the project's root, or ids."""

    name: str
    source: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """A checkout.

    Attributes:
        root: its folder; nothing is written there.
        copied: what code and tests need to run elsewhere.
        paths: what goes into PYTHONPATH.
        packages: what can be mutated.
        equivalents: the list of mutants that no test can kill, see equivalents.py.
    """

    root: Path
    copied: tuple[str, ...]
    paths: tuple[str, ...]
    packages: tuple[Package, ...]
    equivalents: Path


def _package(name: str, *tests: str) -> Package:
    return Package(name, f"provisioner/holdfast/{name}", (f"tests/unit/{name}", *tests))


# The documents' tables are made from the code.
_TABLES = "tests/unit/docs/test_reference.py::test_the_tables_of_a_document_are_those_of_the_code"

HOLDFAST = Project(
    root=Path(__file__).parents[2],
    copied=("docs", "provisioner", "testbed", "tests", "pyproject.toml"),
    paths=("provisioner", "."),
    packages=(
        _package("claims", _TABLES),
        _package("exports"),
        _package("kube"),
        # The command line makes its settings, the chart grants what its table of rights asks for.
        _package("controller", "tests/unit/cli", "tests/unit/chart/test_permissions.py", _TABLES),
    ),
    equivalents=Path(__file__).with_name("equivalents.toml"),
)
