"""Logins in URLs: output, logs and lists of processes would show them."""

from __future__ import annotations

import re

_LOGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s?#]*@")


def has_login(value: object) -> bool:
    """Whether a text, or one of a list, has a URL with a user or a password in it."""
    if isinstance(value, list):
        return any(map(has_login, value))
    return isinstance(value, str) and bool(_LOGIN.search(value))


def login_fault(variable: str, machine: str) -> str:
    """The sentence that refuses one; the URL is not repeated.

    Args:
        variable: that has it
        machine: that has the variable
    """
    return (
        f"{variable} has a URL with a login in it on {machine}, which output, logs and lists of "
        "processes would show; name a server that asks for none, such as a mirror in your network."
    )
