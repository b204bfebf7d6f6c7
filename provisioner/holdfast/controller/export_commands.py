"""Names the export in the commands that messages advise, where a provisioner serves several."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.claims.decide import DEFAULT_EXPORT
from holdfast.exports.errors import ExportError

_COMMAND = re.compile(r"`holdfast exports (?:accept|show)(?! --export)")


def with_export(message: str, name: str) -> str:
    """The message, with `--export NAME` in such commands; unchanged for the default export."""
    if name == DEFAULT_EXPORT:
        return message
    return _COMMAND.sub(lambda found: f"{found.group()} --export {name}", message)


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Does so in the message of an ExportError, and raises it again."""
    try:
        yield
    except ExportError as error:
        error.message = with_export(error.message, name)
        error.args = (error.message,)
        raise
