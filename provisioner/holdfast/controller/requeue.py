"""How a handler tells its worker that a key is not done with."""

from __future__ import annotations

from holdfast.exports import errors as exports
from holdfast.kube import errors as kube

# Whether what was asked for was done is not known.
UNKNOWN = (exports.ExportUnavailable, exports.TimedOut, exports.Fenced, kube.ServerUnavailable)


class Requeue(Exception):
    """The work failed for a reason that concerns this key alone: try it later, with back-off."""


class LeadershipLost(Exception):
    """Another replica may be at work by now: nothing more may be changed."""
