"""The default moves to another export while a claim is being served (design, rules 2, 4).

Both exports make a directory for the one claim, and the API server takes one volume. The export
whose volume it is not keeps nothing: nothing would ever reclaim it.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from holdfast.controller import watched_file
from holdfast.kube.errors import ServerUnavailable
from holdfast.kube.resources import VOLUMES, Json, Resource
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.cluster.test_several_exports import ExportInterface
from tests.support import eventually

PARAMETERS = {"pathPattern": "${.PVC.namespace}/${.PVC.name}", "onDelete": "delete"}


@pytest.fixture
def exports(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExportInterface:
    monkeypatch.setattr(watched_file, "_LOOK", 0.1)
    made = ExportInterface(site, tmp_path)
    made.write("fast", "slow")
    return made


def serving(exports: ExportInterface) -> Running:
    running = exports.serve()
    eventually(lambda: all(one.gate.is_open() for one in running.manager.exports))
    return running


def is_empty(exports: ExportInterface, name: str) -> bool:
    """Whether an export has neither a directory nor a record."""
    folders = [exports.root(name) / ".holdfast" / one for one in ("creating", "volumes")]
    return not exports.directories(name) and not any(list(one.iterdir()) for one in folders)


def have_both_ask(exports: ExportInterface, running: Running) -> None:
    """The second export makes its directory while the first one asks for the volume."""
    create, asks, made = running.api.create, threading.Event(), threading.Event()

    def held_up(resource: Resource, body: Json, namespace: str = "", **more: Any) -> Json:
        if resource is not VOLUMES:
            return create(resource, body, namespace, **more)
        if body["spec"]["nfs"]["path"].startswith("/srv/slow/"):
            asks.set()
            assert made.wait(30)
            return create(resource, body, namespace, **more)
        if not asks.is_set():
            exports.write("slow", "fast")
            assert asks.wait(30)
        found = create(resource, body, namespace, **more)
        made.set()
        return found

    running.manager.api.create = held_up  # type: ignore[method-assign]


def test_the_export_whose_volume_was_refused_keeps_nothing(exports: ExportInterface) -> None:
    site, running = exports.site, serving(exports)
    have_both_ask(exports, running)
    site.claim(site.make_class(parameters=PARAMETERS))

    volume = site.bound("data")

    assert volume["spec"]["nfs"]["path"].startswith("/srv/fast/")
    slow = running.manager.exports["slow"]
    eventually(lambda: not slow.claims.in_progress and not slow.view.claim_queue._working)
    eventually(lambda: is_empty(exports, "slow"))


def test_a_later_claim_of_the_name_is_served(exports: ExportInterface) -> None:
    site, running = exports.site, serving(exports)
    have_both_ask(exports, running)
    storage_class = site.make_class(parameters=PARAMETERS)
    site.claim(storage_class)
    volume = site.bound("data")
    site.delete_claim("data")
    site.gone(volume)

    site.claim(storage_class)

    assert site.bound("data")["spec"]["nfs"]["path"].startswith("/srv/slow/")


def test_what_a_lost_export_had_begun_is_undone_once_the_claim_is_bound_elsewhere(
    exports: ExportInterface,
) -> None:
    """Its server is lost, the administrator moves the default, and the server comes back."""
    site, first = exports.site, serving(exports)
    create = first.api.create

    def unanswered(resource: Resource, body: Json, namespace: str = "", **more: Any) -> Json:
        if resource is VOLUMES:
            raise ServerUnavailable("no answer")
        return create(resource, body, namespace, **more)

    first.manager.api.create = unanswered  # type: ignore[method-assign]
    site.claim(site.make_class(parameters=PARAMETERS))
    site.refusal("data", "no answer")
    first.stop()
    assert not is_empty(exports, "fast")
    exports.write("slow", "fast")
    away = exports.root("fast").rename(exports.folder / "away")
    exports.serve()
    assert site.bound("data")["spec"]["nfs"]["path"].startswith("/srv/slow/")

    away.rename(exports.root("fast"))

    eventually(lambda: is_empty(exports, "fast"))
