"""The options of an export, as exports(5) lists them: read, completed, compared.

`settle` gives each question its one answer, so that two ways to write the same export are equal,
and an option that contradicts another is found before the server sees it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable

from .errors import Refused

Settled = dict[str, str]

# What exports(5) takes when neither is said, and the opposite.
SWITCHES = (
    ("ro", "rw"),
    ("sync", "async"),
    ("no_subtree_check", "subtree_check"),
    ("root_squash", "no_root_squash"),
    ("no_all_squash", "all_squash"),
    ("secure", "insecure"),
    ("wdelay", "no_wdelay"),
    ("hide", "nohide"),
    ("nocrossmnt", "crossmnt"),
    ("secure_locks", "insecure_locks"),
    ("acl", "no_acl"),
    ("no_pnfs", "pnfs"),
)
# Written into the file even when they are the defaults: these decide about data and rights, and
# some defaults have changed between versions.
ALWAYS_WRITTEN = ("ro", "sync", "no_subtree_check", "root_squash")
FLAGS = ("security_label", "nordirplus")
SAME = {"auth_nlm": "secure_locks", "no_auth_nlm": "insecure_locks", "mp": "mountpoint"}
FLAVOURS = ("sys", "krb5", "krb5i", "krb5p", "null")
NOBODY = "65534"

_QUESTIONS = {answer: pair for pair in SWITCHES for answer in pair}


def settle(options: Iterable[str]) -> Settled:
    """Every question with its answer: switches by their default's name, values by their key.

    Raises:
        Refused: an option that exports(5) does not know, given twice, or contradicted.
    """
    answers: Settled = {}
    for option in options:
        question, answer = _read(option.strip())
        before = answers.setdefault(question, answer)
        if before != answer:
            raise Refused(f"{before!r} and {answer!r} contradict each other; keep one")
    completed = {default: default for default, _other in SWITCHES} | {"sec": "sec=sys"} | answers
    return {key: text for key, text in completed.items() if not _is_nobody(key, text)}


def render(settled: Settled) -> str:
    """The options as they are written into the file, always in the same order."""
    defaults = dict(SWITCHES)
    switches = [
        settled[default]
        for default in defaults
        if default in ALWAYS_WRITTEN or settled[default] != default
    ]
    rest = sorted(text for key, text in settled.items() if key not in defaults and key != "sec")
    return ",".join([settled["sec"], *switches, *rest])


def read_shown(text: str) -> Settled:
    """What the server's table says of an export: every answer, and some of them twice."""
    shown: Settled = {}
    for option in filter(None, text.split(",")):
        key = option.partition("=")[0]
        shown[_QUESTIONS[option][0] if option in _QUESTIONS else key] = option
    return {key: answer for key, answer in shown.items() if not _is_nobody(key, answer)}


def differences(wanted: Settled, shown: Settled) -> list[str]:
    """Where the server does something else than was wanted; empty when nowhere."""
    compared = [default for default, _other in SWITCHES] + ["sec", "fsid", "anonuid", "anongid"]
    return [
        f"{shown.get(key, f'no {key}')!r} instead of {wanted.get(key, f'no {key}')!r}"
        for key in compared
        if shown.get(key) != wanted.get(key)
    ]


def _read(option: str) -> tuple[str, str]:
    """The question that an option answers, and the answer in its one spelling."""
    key, equals, value = option.partition("=")
    key = SAME.get(key, key)
    if not equals:
        return _read_word(key, option)
    if key not in _VALUES:
        raise Refused(f"option {option!r} is unknown{_hint(option)}")
    return key, f"{key}={_VALUES[key](key, value)}"


def _read_word(word: str, option: str) -> tuple[str, str]:
    if word in _QUESTIONS:
        return _QUESTIONS[word][0], word
    if word in (*FLAGS, "mountpoint"):
        return word, word
    if word in _VALUES:
        raise Refused(f"option {option!r} needs a value, as in {option}=…")
    raise Refused(f"option {option!r} is unknown{_hint(option)}")


def _hint(option: str) -> str:
    if "," in option:
        return "; write a list, one option in each element"
    return f"; known are {', '.join([*_QUESTIONS, *FLAGS, *(f'{key}=' for key in _VALUES)])}"


def _is_nobody(key: str, text: str) -> bool:
    """The server does not show the anonymous ids that it has anyway."""
    return key in {"anonuid", "anongid"} and text == f"{key}={NOBODY}"


def _number(key: str, value: str) -> str:
    if not re.fullmatch(r"\d+", value) or int(value) >= 2**32 - 1:
        raise Refused(f"{key}={value} is no id; it must be a number from 0 to {2**32 - 2}")
    return str(int(value))


def _fsid(key: str, value: str) -> str:
    if value in {"root", "0"}:
        return "0"
    if re.fullmatch(r"\d+", value) and int(value) < 2**32:
        return str(int(value))
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise Refused(f"{key}={value} must be a number, a UUID, or root") from None


def _flavours(key: str, value: str) -> str:
    given = value.split(":")
    if set(given) <= set(FLAVOURS) and len(set(given)) == len(given):
        return value
    raise Refused(f"{key}={value} must be one or more of {', '.join(FLAVOURS)}, joined by ':'")


def _transport(key: str, value: str) -> str:
    if set(value.split(":")) <= {"none", "tls", "mtls"}:
        return value
    raise Refused(f"{key}={value} must be one or more of none, tls, mtls, joined by ':'")


def _plain(key: str, value: str) -> str:
    if re.fullmatch(r"[\w./:@+-]+", value, re.ASCII):
        return value
    raise Refused(f"{key}={value} has a character that an export's option cannot have, or none")


_VALUES: dict[str, Callable[[str, str], str]] = {
    "sec": _flavours,
    "fsid": _fsid,
    "anonuid": _number,
    "anongid": _number,
    "xprtsec": _transport,
    "mountpoint": _plain,
    "refer": _plain,
    "replicas": _plain,
    "reexport": _plain,
}
