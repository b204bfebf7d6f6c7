"""The mode of a directory: octal digits in quotes, or symbols, as chmod(1) takes them."""

from __future__ import annotations

import re
from itertools import product

from .errors import Refused

_OCTAL = re.compile(r"0?[0-7]{3,4}")
_SYMBOLS = re.compile(r"[ugoa]*([-+=]([rwxXst]*|[ugo]))+", re.ASCII)
# YAML reads 0755 without quotes as the number 493. These are the numbers of usual modes; none of
# them looks like another usual mode itself.
_USUAL = frozenset(
    special << 9 | 0o700 | group << 3 | other
    for special, group, other in product(range(4), (0, 5, 7), (0, 5, 7))
    if other <= group
)


def read_mode(given: object) -> str | None:
    """The mode as text; None leaves the directory's as it is.

    Raises:
        Refused: it is no mode, or a number of which cannot be told what is meant.
    """
    if given is None:
        return None
    if isinstance(given, int) and not isinstance(given, bool):
        return _read_number(given)
    if isinstance(given, str) and _is_mode(given):
        return given
    raise Refused(f'mode {given!r} is none; write octal digits in quotes, as "0770"')


def _is_mode(text: str) -> bool:
    return bool(_OCTAL.fullmatch(text)) or all(map(_SYMBOLS.fullmatch, text.split(",")))


def _read_number(number: int) -> str:
    if number in _USUAL:
        return f"{number:04o}"
    digits = f"{number:04d}"
    meant = digits if _OCTAL.fullmatch(digits) else "0770"
    raise Refused(f'mode {number} is a number; write it in quotes, as "{meant}"')
