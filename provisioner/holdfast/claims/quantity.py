"""Kubernetes quantities: `1Gi`, `1500M`, `1e9`.

Source: k8s.io/apimachinery `pkg/api/resource`. Exact, since two spellings are to be compared.
"""

from __future__ import annotations

import re
from fractions import Fraction

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d{1,2})|([a-zA-Z]{0,2}))", re.ASCII)

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def parse(text: str) -> Fraction | None:
    """The number that a quantity stands for; None for what is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    number, exponent, suffix = Fraction(found[1]), found[2], found[3] or ""
    if exponent is not None:
        return number * _power(10, int(exponent))
    if suffix in _BINARY:
        return number * _power(1024, _BINARY[suffix])
    return number * _power(10, _DECIMAL[suffix]) if suffix in _DECIMAL else None


def _power(base: int, exponent: int) -> Fraction:
    return Fraction(base**exponent) if exponent >= 0 else Fraction(1, base**-exponent)
