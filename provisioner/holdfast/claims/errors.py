"""What a decision says when the answer is no."""

from __future__ import annotations


class Refused(Exception):
    """A claim or volume cannot be served as asked; the text says what to change.

    Attributes:
        message: one sentence or two, fit for an event on the object.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
