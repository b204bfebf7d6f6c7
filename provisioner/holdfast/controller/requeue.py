"""Errors by which a handler tells its worker to requeue the key."""

from __future__ import annotations

from holdfast.exports import errors as exports
from holdfast.kube import errors as kube

# Errors of one key that may be the first symptom of a fault of the API server: a probe finds out.
MAY_BE_API_OUTAGE = (kube.TimedOut, kube.ServerError, kube.Throttled)

# Errors after which it is unknown whether the operation took effect.
UNKNOWN = (
    exports.ExportUnavailable,
    exports.TimedOut,
    exports.Fenced,
    kube.ServerUnavailable,
    *MAY_BE_API_OUTAGE,
)

# Errors that concern all volumes of an export.
AFFECTS_ALL_VOLUMES = (exports.ExportUnavailable, exports.Fenced, kube.ServerUnavailable)


class Requeue(Exception):
    """The work failed for a reason of this key alone: requeue it with back-off."""


class LeadershipLost(Exception):
    """Another replica may lead by now: nothing may be changed any more."""
