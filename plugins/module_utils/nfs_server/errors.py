"""What can go wrong, as one sentence for the person who wrote the variables."""

from __future__ import annotations


class Refused(Exception):
    """A value that cannot be had, or a machine on which it cannot; nothing was changed."""
