"""A reflector with everything a test wants to know of it."""

from __future__ import annotations

import itertools
from typing import Self

from holdfast.kube.api import Api
from holdfast.kube.backoff import Backoff
from holdfast.kube.reflector import Reflector
from holdfast.kube.resources import VOLUMES, Json
from holdfast.kube.store import Store
from testbed.waiting import until
from tests.fake.apiserver import FakeApiServer, Verb


def volume(name: str, size: int = 1) -> Json:
    return {"metadata": {"name": name}, "spec": {"size": size}}


def size_of(obj: Json) -> int | None:
    """Volumes of no size are of no interest."""
    return int(obj["spec"]["size"]) or None


class Mirror:
    """A reflector with its store, and what it told of changes."""

    def __init__(self, api: Api, *, silence: float = 5.0, wait: float = 0.05) -> None:
        self.store = Store[int]()
        self.changes: list[str] = []
        self.reflector = Reflector(
            api,
            VOLUMES,
            self.store,
            size_of,
            self.changes.append,
            backoff=Backoff(wait, max(wait, 0.2), jitter=0.0),
            silence=silence,
        )

    def start(self) -> Self:
        self.reflector.start()
        return self

    def holds(self, **sizes: int) -> None:
        """Wait until the store holds exactly this."""
        until(
            lambda: (
                sorted(self.store.keys()) == sorted(sizes)
                and all(self.store.get(key) == size for key, size in sizes.items())
            ),
            5.0,
            f"the store holds {sizes}",
        )


def gaps(server: FakeApiServer, verb: Verb) -> list[float]:
    """Seconds between requests of a kind."""
    at = [request.at for request in server.requests if request.verb == verb]
    return [later - earlier for earlier, later in itertools.pairwise(at)]
