"""A link within the repository leads somewhere, and a section is named rather than counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed.names import CHECKOUT
from tests.unit.docs.linking import dead_links, documents, prose

each_file = pytest.mark.parametrize("file", documents(CHECKOUT), ids=lambda path: path.name)


@each_file
def test_a_link_leads_to_a_file_and_a_heading_of_it(file: Path) -> None:
    assert dead_links(file) == []


@each_file
def test_a_section_is_linked_and_not_counted(file: Path) -> None:
    """Another may come between."""
    assert re.findall(r"\b(?:next|last|previous|following) section\b", prose(file)) == []
