"""Faults that neither a disk nor an API server produces on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from holdfast.kube.errors import Forbidden, ServerUnavailable
from holdfast.kube.resources import VOLUMES, Json, Resource


class Hang:
    """An operation of an export that does not return until it is let go."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self.entered = threading.Event()
        self.over = threading.Event()

    def __call__(self, *arguments: Any) -> Any:
        self.entered.set()
        assert self.over.wait(60)
        return self._call(*arguments)


def silent_about_volumes(create: Callable[..., Json]) -> Callable[..., Json]:
    """An API server that does not answer when a volume is to be made."""

    def refuse(resource: Resource, body: Json, namespace: str = "", **more: Any) -> Json:
        if resource == VOLUMES:
            raise ServerUnavailable("no answer to the creation of a volume")
        return create(resource, body, namespace, **more)

    return refuse


def losing_answers(create: Callable[..., Json]) -> Callable[..., Json]:
    """An API server that makes what it is asked to make, and does not say so."""

    def lose(*arguments: Any, **more: Any) -> Json:
        create(*arguments, **more)
        raise ServerUnavailable("the answer was lost")

    return lose


def refuse_volumes(*_: Any, **__: Any) -> Json:
    """An API server that lets nothing be made."""
    raise Forbidden(403, "Forbidden", "you may not make volumes")
