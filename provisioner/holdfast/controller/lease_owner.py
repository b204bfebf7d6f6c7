"""Tells if an export's Lease is another installation's.

A Lease's name is made of the names of provisioner and export, so those of two installations in one
namespace can be equal: export `fast` of `example.com/nfs`, and the only one of
`example.com/nfs-fast`. Only one of the two is ever led.
"""

from __future__ import annotations

from collections.abc import Callable

from holdfast.claims import constants
from holdfast.claims.decide import Provisioner
from holdfast.kube.resources import Json
from holdfast.log import Logger

_log = Logger(__name__)


class LeaseOwner:
    """Whose the Lease of one export is, by what its holder says of itself."""

    def __init__(
        self, provisioner: Provisioner, export: str, tell: Callable[[str], object]
    ) -> None:
        """`tell` is called with what to do, once as long as the Lease has the same owner."""
        self._provisioner = provisioner
        self._export = export
        self._tell = tell
        self._told = ""

    def look(self, lease: Json | None) -> None:
        """Takes the Lease as last seen; None if there is none."""
        advice = self._advice(lease or {})
        if advice and advice != self._told:
            _log.warning("another installation has the lease", reason=advice)
            self._tell(advice)
        self._told = advice

    def _advice(self, lease: Json) -> str:
        """Empty if nobody holds the Lease, or if its holder does not say for whom."""
        said = (lease.get("metadata") or {}).get("annotations") or {}
        by, export = said.get(constants.PROVISIONER, ""), said.get(constants.EXPORT_NAME, "")
        is_ours = self._provisioner.answers_to(by) and export == self._export
        if is_ours or not by or not (lease.get("spec") or {}).get("holderIdentity"):
            return ""
        return (
            f"Lease {lease['metadata']['name']} is held for export {export!r} of provisioner "
            f"{by!r}, so this export is not served: install one of the two in another namespace, "
            "or give the provisioner or the export another name"
        )
