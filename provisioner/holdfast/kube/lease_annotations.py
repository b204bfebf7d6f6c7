"""The annotations by which the holder of a lease says how it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from holdfast.kube import clock
from holdfast.kube.resources import Json
from holdfast.log import Logger

_log = Logger(__name__)

_PAUSE = 60.0  # seconds without annotations, once they were refused


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
        self._names: set[str] = set()
        self._paused_until = -math.inf

    def add_to(self, lease: Json) -> Json:
        """The lease with our annotations and those of others; itself where there are none."""
        ours = self._ours() if clock.boottime() >= self._paused_until else {}
        self._names |= ours.keys()
        if not ours:
            return lease
        metadata = lease["metadata"]
        annotations = {**(metadata.get("annotations") or {}), **ours}
        return {**lease, "metadata": {**metadata, "annotations": annotations}}

    def remove_from(self, lease: Json, why: str) -> Json:
        """The lease without our annotations, which were refused; adds none for a minute."""
        now = clock.boottime()
        if now > self._paused_until + _PAUSE:
            _log.warning(
                "the lease has no annotations of ours: remove those that others have added",
                lease=lease["metadata"].get("name"),
                reason=why,
            )
        self._paused_until = now + _PAUSE
        metadata = lease["metadata"]
        given = metadata.get("annotations") or {}
        left = {name: text for name, text in given.items() if name not in self._names}
        return {**lease, "metadata": {**metadata, "annotations": left}}

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
