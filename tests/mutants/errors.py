"""What ends a run before it has an answer."""

from __future__ import annotations


class MutantsError(Exception):
    """The message says what to do."""
