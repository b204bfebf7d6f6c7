"""What an administrator would look at, on the machines of an inventory.

`pytest tests/testinfra --ansible-inventory=inventory/lab.yml`, after `site.yml` on the same one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Let testinfra find the `ansible-inventory` that is installed beside pytest."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Without an inventory there are no machines to look at."""
    return True if config.getoption("ansible_inventory") is None else None
