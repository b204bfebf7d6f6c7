"""The state of an export, which its leader writes on the Lease; `holdfast exports` reads it.

The annotation `holdfast.io/state` is JSON with these fields:

- `state`: "serving"; "unavailable" (the export does not answer, or is not the expected one);
  "no-term" (the leader cannot begin one); "stopped" (the replica ended) or "removed" (the export is
  not configured any more).
- `reason`: why it is unavailable or has no term; else empty.
- `volumes`: the provisioner's volumes at the export's address.
- `trash`: how many `volumes` it holds, the age of the oldest in seconds (`oldest_seconds`), how
  many of them cannot be removed for now (`blocked`), and why one of these cannot (`why`).
- `latency_seconds`: how long the last probe of the export took; null if it failed.
- `probed`: when that was.

A value is null while it is not known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from holdfast.claims import constants
from holdfast.claims.decide import Provisioner
from holdfast.controller.settings import ExportSettings

SERVING, UNAVAILABLE, NO_TERM = "serving", "unavailable", "no-term"
STOPPED, REMOVED = "stopped", "removed"

_LONGEST = 500  # characters of a reason: the API server takes no annotation of any length
_NOT_BEGUN = "cannot begin a term: "


@dataclass(frozen=True, slots=True)
class TrashContent:
    """What is in the trash: how many volumes, and how many of them cannot be removed for now."""

    volumes: int
    oldest_seconds: float
    blocked: int
    why: str = ""  # of one of these


@dataclass(frozen=True, slots=True)
class ExportState:
    """How an export is; fields as in the annotation."""

    state: str
    reason: str
    volumes: int | None
    trash: TrashContent | None
    latency_seconds: float | None
    probed: datetime | None

    def as_json(self) -> str:
        """The text of the annotation."""
        trash, probed, latency = self.trash, self.probed, self.latency_seconds
        return json.dumps(
            {
                "state": self.state,
                "reason": _shortened(self.reason.removeprefix(_NOT_BEGUN)),
                "volumes": self.volumes,
                "trash": trash
                and {
                    "volumes": trash.volumes,
                    "oldest_seconds": round(trash.oldest_seconds),
                    "blocked": trash.blocked,
                    "why": _shortened(trash.why),
                },
                "latency_seconds": latency if latency is None else round(latency, 6),
                "probed": probed and probed.isoformat(timespec="seconds").replace("+00:00", "Z"),
            }
        )


def annotations_of(
    provisioner: Provisioner, export: ExportSettings, state: ExportState
) -> dict[str, str]:
    """The annotations of an export's Lease."""
    return {
        constants.PROVISIONER: provisioner.name,
        constants.ALSO_KNOWN_AS: " ".join(sorted(provisioner.also)),
        constants.EXPORT_NAME: export.name,
        constants.ADDRESS: str(export.address),
        constants.STATE: state.as_json(),
    }


def _shortened(reason: str) -> str:
    return reason if len(reason) <= _LONGEST else reason[: _LONGEST - 1] + "…"
