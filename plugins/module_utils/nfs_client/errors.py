"""What can go wrong, as one sentence for the person who wrote the variables."""

from __future__ import annotations


class Refused(Exception):
    """What is wanted would take something from another, or this machine cannot do it."""
