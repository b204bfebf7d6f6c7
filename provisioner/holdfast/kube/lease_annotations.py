"""The annotations by which the holder of a lease says how it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from holdfast.kube.resources import Json
from holdfast.log import Logger

_log = Logger(__name__)


def nothing() -> Mapping[str, str]:
    """No annotations."""
    return {}


class LeaseAnnotations:
    """Adds annotations to a lease; an error in making them never keeps a lease from being written.

    An error is logged once until they can be made again.
    """

    def __init__(self, describe: Callable[[], Mapping[str, str]]) -> None:
        """`describe` gives the annotations, from memory: writing the lease waits for it."""
        self._describe = describe
        self._failed = False

    def add_to(self, lease: Json) -> Json:
        """The lease with our annotations and those of others; itself where there are none."""
        ours = self._ours()
        if not ours:
            return lease
        metadata = lease["metadata"]
        annotations = {**(metadata.get("annotations") or {}), **ours}
        return {**lease, "metadata": {**metadata, "annotations": annotations}}

    def _ours(self) -> Mapping[str, str]:
        try:
            ours = self._describe()
        except Exception:  # noqa: BLE001 -- whatever it is, the lease is to be renewed
            if not self._failed:
                _log.exception("unexpected error", doing="describing the holder of a lease")
            self._failed = True
            return {}
        self._failed = False
        return ours
