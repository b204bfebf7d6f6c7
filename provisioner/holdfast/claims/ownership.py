"""Mode, user and group of a new directory.

In-tree NFS volumes know no fsGroup, so ownership must be right from the start.
"""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.claims.errors import Refused

_LARGEST_ID = 2**32 - 2  # 2**32 - 1 is chown(2)'s "leave it as it is"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Permission bits, and user and group id; None leaves the id as the server makes it."""

    mode: int = 0o777
    uid: int | None = None
    gid: int | None = None


def read_mode(text: str) -> int:
    """Permission bits from octal text, `0` to `7777`; setgid is allowed, as in `2770`.

    Raises:
        Refused: anything else.
    """
    digits = text.removeprefix("0o")
    if not digits or len(digits) > 5 or not set(digits) <= set("01234567"):
        raise Refused(f"{text!r} is not a mode: give it in octal, 0 to 7777, for example 0770")
    mode = int(digits, 8)
    if mode > 0o7777:
        raise Refused(f"{text!r} is not a mode: give it in octal, 0 to 7777, for example 0770")
    return mode


def read_id(text: str) -> int:
    """A user or group id, 0 to 4294967294.

    Raises:
        Refused: anything else.
    """
    is_short_number = text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST_ID))
    if not is_short_number or int(text) > _LARGEST_ID:
        raise Refused(f"{text!r} is not a user or group id: give a number from 0 to {_LARGEST_ID}")
    return int(text)
