"""A cluster goes up, one minor version at a time."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.kubernetes_preflight import upgrade_refusal


@pytest.mark.parametrize("wanted", ["v1.35.2", "v1.35.3", "v1.35.10", "v1.36.0", "v1.36.3"])
def test_the_next_patch_and_the_next_minor_version_are_allowed(wanted: str) -> None:
    assert upgrade_refusal(wanted, "v1.35.2") == ""


@pytest.mark.parametrize("wanted", ["v1.35.1", "v1.34.9", "v0.36.0"])
def test_going_back_is_refused(wanted: str) -> None:
    assert "does not go back" in upgrade_refusal(wanted, "v1.35.2")


@pytest.mark.parametrize("wanted", ["v1.37.0", "v2.0.0"])
def test_skipping_a_minor_version_is_refused_with_the_next_step(wanted: str) -> None:
    assert f"go to a v1.36 before {wanted}" in upgrade_refusal(wanted, "v1.35.2")
