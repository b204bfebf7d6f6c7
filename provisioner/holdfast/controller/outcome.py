"""How a handler tells its worker that a key is not done with."""

from __future__ import annotations


class Again(Exception):
    """The work failed for a reason that concerns this key alone: try it later, with back-off."""


class NotLeading(Exception):
    """Another replica may be at work by now: nothing more may be changed."""
