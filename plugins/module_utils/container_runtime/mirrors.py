"""The variable container_runtime_mirrors, read; a sentence for what cannot be meant.

https://github.com/containerd/containerd/blob/main/docs/hosts.md
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible.module_utils.parsing.convert_bool import boolean

MARK = "# Written by Ansible, variable container_runtime_mirrors.\n"
CA_FILE = "mirror-ca.pem"  # beside the hosts.toml, which names it
SHOWN = ("url", "ca", "username", "fallback")
KEYS = (*SHOWN, "password")

_REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
# What stands within quotes in the file; none of it can end them.
_URL = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~%/-]*)?"
)
_PEM = "-----BEGIN CERTIFICATE-----"
_HEADER = re.compile(r'(?m)^( *Authorization = )".*"$')


class BadMirrorError(Exception):
    """What was given names no registry or no server."""

    def __init__(self, registry: str, fault: str) -> None:
        super().__init__(f"container_runtime_mirrors, {registry}: {fault}")


@dataclass(frozen=True, slots=True)
class Mirror:
    """The server that is asked in a registry's place.

    Attributes:
        url: of the server, without a slash at its end
        ca: the path of certificates of its own authority, or their PEM text
        login: `user:password`; empty where it asks for none
        fallback: whether the registry itself is asked where the mirror does not have an image
    """

    url: str
    ca: str = ""
    login: str = ""
    fallback: bool = False

    @property
    def brings_ca(self) -> bool:
        """Whether the certificates are given, and not where they are."""
        return _PEM in self.ca


def read_mirrors(entries: Mapping[str, object]) -> dict[str, Mirror]:
    """Read the variable: the mirror by the name of its registry.

    Raises:
        BadMirrorError: naming the registry and what is wrong with its mirror.
    """
    return {registry: read_mirror(registry, entry) for registry, entry in entries.items()}


def read_mirror(registry: str, entry: object) -> Mirror:
    """One entry, a URL or a mapping.

    Raises:
        BadMirrorError: it is neither.
    """
    if not isinstance(registry, str) or not _REGISTRY.fullmatch(registry):
        raise BadMirrorError(
            repr(registry),
            "is no registry's name; write it as in an image's name, for example registry.k8s.io.",
        )
    fields = entry if isinstance(entry, Mapping) else {"url": entry}
    for fault in _faults(fields):
        raise BadMirrorError(registry, fault)
    user, password = fields.get("username", ""), fields.get("password", "")
    return Mirror(
        url=str(fields["url"]).rstrip("/"),
        ca=str(fields.get("ca") or ""),
        login=f"{user}:{password}" if user else "",
        fallback=boolean(fields.get("fallback", False)),
    )


def secrets(entries: Mapping[str, object]) -> Iterator[str]:
    """What must be shown nowhere, of entries that may be wrong in any way.

    A key that is unknown may be a password's that was misspelt.
    """
    for entry in entries.values():
        fields = entry if isinstance(entry, Mapping) else {"url": entry}
        yield from (str(value) for key, value in fields.items() if key not in SHOWN and value)
        if "@" in str(fields.get("url")):
            yield str(fields["url"])
        yield _basic(f"{fields.get('username')}:{fields.get('password')}")


def hosts_file(mirror: Mirror) -> str:
    """The content of `hosts.toml` that sends containerd to the mirror."""
    url = json.dumps(_api_url(mirror.url))
    settings = "".join(f"  {line}\n" for line in _settings(mirror))
    header = f"  Authorization = {json.dumps(_basic(mirror.login))}\n" if mirror.login else ""
    server = "" if mirror.fallback else _server(url, mirror, header)
    host = f'[host.{url}]\n  capabilities = ["pull", "resolve"]\n{settings}'
    return MARK + server + host + (f"\n[host.{url}.header]\n{header}" if header else "")


def without_logins(text: str) -> str:
    """A `hosts.toml` to show."""
    return _HEADER.sub(r'\1"(not shown)"', text)


def _server(url: str, mirror: Mirror, header: str) -> str:
    # A file without a host is not read at all by some versions; the server is what is asked after
    # the hosts, and it is the registry itself where none is named.
    settings = "".join(f"{line}\n" for line in _settings(mirror))
    return f"server = {url}\n{settings}\n" + (f"[header]\n{header}\n" if header else "")


def _settings(mirror: Mirror) -> list[str]:
    ca = CA_FILE if mirror.brings_ca else mirror.ca
    path = urlsplit(mirror.url).path
    return [
        *(["override_path = true"] if path else []),
        *([f"ca = {json.dumps(ca)}"] if ca else []),
    ]


def _api_url(url: str) -> str:
    """With a path, it has to have the API's version in it, which else containerd adds at the end.

    `/quay` is the folder `quay` of a registry, `/v2/quay`; a server whose API is beneath a path
    has it as `/artifactory/quay/v2`.
    """
    parts = urlsplit(url)
    if not parts.path or "v2" in parts.path.split("/"):
        return url
    return parts._replace(path=f"/v2{parts.path}").geturl()


def _basic(login: str) -> str:
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def _faults(fields: Mapping[str, object]) -> Iterator[str]:
    yield from _unknown(fields)
    yield from _bad_url(fields.get("url"))
    yield from _bad_ca(fields.get("ca") or "")
    yield from _bad_login(fields)
    try:
        boolean(fields.get("fallback", False))
    except TypeError:
        yield f"fallback is {fields['fallback']!r}; it has to be true or false."


def _unknown(fields: Mapping[str, object]) -> Iterator[str]:
    if "skip_verify" in fields:
        yield (
            "skip_verify is not supported, because anybody between could change the images; give "
            "the certificates of the mirror's own authority as ca."
        )
    if unknown := sorted(str(key) for key in fields if key not in KEYS):
        yield f"{', '.join(unknown)} is no key of a mirror; they are {', '.join(KEYS)}."


def _bad_url(url: object) -> Iterator[str]:
    # One with a login in it is not repeated.
    if isinstance(url, str) and "@" in url:
        yield "its url has a login in it; give username and password as keys of their own."
    elif not isinstance(url, str) or not _URL.fullmatch(url) or not _has_port(url):
        yield f"the url of its mirror is {url!r}; it has to be one as https://mirror.example.com."


def _has_port(url: str) -> bool:
    """Whether the port is left out or can be one."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _bad_ca(ca: object) -> Iterator[str]:
    is_path = isinstance(ca, str) and ca.startswith("/") and ca.isprintable()
    is_text = isinstance(ca, str) and _PEM in ca
    if ca and not is_path and not is_text:
        yield (
            "its ca is neither the absolute path of a file on the machine nor the text of "
            f"certificates ({_PEM} …)."
        )


def _bad_login(fields: Mapping[str, object]) -> Iterator[str]:
    given: Sequence[object] = [fields.get(key, "") for key in ("username", "password")]
    if any(given) and not all(given):
        yield "username and password go together; give both or none."
    elif not all(isinstance(one, str) and one.isprintable() for one in given):
        yield "username and password have to be texts; write them in quotes."
    elif ":" in str(given[0]):
        yield "a username has no colon in it."
