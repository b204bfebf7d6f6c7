"""Whether a volume is the one that an attempt asked for: its name does not tell (rules 2, 9)."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.controller.directory_spec import is_asked_for, may_have
from tests.unit.controller.given import ANOTHER_ID, directory_spec, ref, volume
from tests.unit.controller.site import Site

CERTAIN: list[dict[str, Any]] = [
    {},
    {"server": "192.0.2.1"},
    {"export_id": ""},
    {"annotated": False},
]
IN_DOUBT: list[dict[str, Any]] = [
    {"whose": ref("1", "other")},
    {"server": "other"},
    {"export_id": ANOTHER_ID},
    {"server": "nas.example.com", "annotated": False},
]
ELSEWHERE: list[dict[str, Any]] = [
    {"directory": "elsewhere"},
    {"directory": "team/data/deeper"},
    {"server": "ssd", "export_id": ANOTHER_ID},
    {"server": "other", "annotated": False},
    {"server": "other", "export_id": ""},
]


@pytest.mark.parametrize("given", CERTAIN)
def test_one_of_the_claim_at_the_directory_is_asked_for(site: Site, given: dict[str, Any]) -> None:
    assert is_asked_for(volume(**given), directory_spec(ref()), site.context)
    assert may_have(volume(**given), "team/data", site.context)


@pytest.mark.parametrize("given", IN_DOUBT)
def test_one_that_may_be_at_the_directory_is_not_asked_for_and_may_have_it(
    site: Site, given: dict[str, Any]
) -> None:
    assert not is_asked_for(volume(**given), directory_spec(ref()), site.context)
    assert may_have(volume(**given), "team/data", site.context)


@pytest.mark.parametrize("given", ELSEWHERE)
def test_one_that_is_elsewhere_is_neither(site: Site, given: dict[str, Any]) -> None:
    assert not is_asked_for(volume(**given), directory_spec(ref()), site.context)
    assert not may_have(volume(**given), "team/data", site.context)
