"""Errors by which a handler tells its worker to requeue the key."""

from __future__ import annotations

from holdfast.exports import errors as exports
from holdfast.kube import errors as kube

# Errors after which it is unknown whether the operation took effect.
UNKNOWN = (exports.ExportUnavailable, exports.TimedOut, exports.Fenced, kube.ServerUnavailable)

# Errors that concern all volumes of an export.
CONCERN_ALL = (exports.ExportUnavailable, exports.Fenced, kube.ServerUnavailable)


class Requeue(Exception):
    """The work failed for a reason of this key alone: requeue it with back-off."""


class LeadershipLost(Exception):
    """Another replica may lead by now: nothing may be changed any more."""
