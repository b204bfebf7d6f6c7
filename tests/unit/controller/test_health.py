"""The HTTP server of the probes: what it answers, where it listens, what it does not wait for."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from holdfast.controller.health import Health


@contextmanager
def serving(host: str, wrong: Callable[[], list[str]] = list) -> Iterator[Health]:
    health = Health(host, 0, live=list, ready=wrong, registry=CollectorRegistry())
    health.start()
    try:
        yield health
    finally:
        health.stop()


def status_of(address: str, health: Health, path: str = "/healthz") -> int:
    try:
        url = f"http://{address}:{health.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return socket.has_dualstack_ipv6()
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def test_nothing_wrong_is_200_and_anything_wrong_is_503() -> None:
    wrong: list[str] = []
    with serving("127.0.0.1", lambda: wrong) as health:
        assert status_of("127.0.0.1", health, "/readyz") == 200
        wrong.append("the export hangs")
        assert status_of("127.0.0.1", health, "/readyz") == 503
        assert status_of("127.0.0.1", health, "/healthz") == 200


@needs_ipv6
def test_without_a_host_it_listens_on_all_addresses_of_both_families() -> None:
    """In a cluster of IPv6 alone, a kubelet has no other address to ask."""
    with serving("") as health:
        assert status_of("[::1]", health) == 200
        assert status_of("127.0.0.1", health) == 200


@needs_ipv6
def test_an_ipv6_address_may_be_given() -> None:
    with serving("::1") as health:
        assert status_of("[::1]", health) == 200


def test_it_does_not_ask_the_name_server_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that does not answer would hold the start up."""

    def ask(_name: str = "") -> str:
        raise AssertionError("the name server was asked")

    monkeypatch.setattr(socket, "getfqdn", ask)

    with serving("") as health:
        assert status_of("127.0.0.1", health) == 200


def test_its_port_is_free_once_it_has_ended() -> None:
    with serving("127.0.0.1") as health:
        port = health.port

    with socket.create_server(("127.0.0.1", port)):
        pass
