"""What ends a program of this package."""

from __future__ import annotations


class Trouble(Exception):
    """Something cannot be done; the message is one sentence, or a few, with the remedy."""
