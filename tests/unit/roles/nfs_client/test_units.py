"""What only NFSv3 needs is masked, or answers, or is as the packages leave it."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_client.units import UNITS, pending

FRESH = [("not-found", "inactive")] * 3
INSTALLED = [("loaded", "active"), ("loaded", "active"), ("loaded", "inactive")]
MASKED = [("masked", "inactive")] * 3
MASKED_LATE = [("masked", "active"), ("masked", "active"), ("masked", "inactive")]
ANSWERING = [("loaded", "active"), ("loaded", "inactive"), ("loaded", "inactive")]
MASK = ("mask", "--now", *UNITS)
UNMASK = ("unmask", *UNITS)
START = ("enable", "--now", "rpcbind.socket")


@pytest.mark.parametrize(
    ("states", "wanted", "calls"),
    [
        (FRESH, "masked", [MASK]),
        (INSTALLED, "masked", [MASK]),
        (MASKED_LATE, "masked", [MASK]),
        (MASKED, "masked", []),
        (FRESH, "answering", [START]),
        (MASKED, "answering", [UNMASK, START]),
        (ANSWERING, "answering", []),
        (INSTALLED, "answering", []),
        (MASKED, "allowed", [UNMASK]),
        (FRESH, "allowed", []),
        (INSTALLED, "allowed", []),
    ],
)
def test_only_what_is_missing_is_called(
    states: list[tuple[str, str]], wanted: str, calls: list[tuple[str, ...]]
) -> None:
    shown = "\n\n".join(
        f"Id={unit}\nLoadState={load}\nActiveState={active}"
        for unit, (load, active) in zip(UNITS, states, strict=True)
    )

    def systemctl(*arguments: str) -> str:
        assert arguments == ("show", "--property=Id,LoadState,ActiveState", *UNITS)
        return shown + "\n"

    assert pending(systemctl, wanted) == calls
