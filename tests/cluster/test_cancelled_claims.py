"""A claim that is to reuse retained data is deleted while it is pending (design, rules 4, 5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.kube.errors import ServerUnavailable
from holdfast.kube.resources import VOLUMES, Json, Resource
from tests.cluster.objects import name_of
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.support import eventually

PARAMETERS = {"pathPattern": "${.PVC.namespace}/${.PVC.name}", "onDelete": "delete"}
RETAIN = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}


def retained(site: Site, storage_class: str) -> Path:
    """A file in the directory of a volume that a person set to Retain and deleted."""
    volume = site.bound(site.claim(storage_class))
    file = site.directory(volume) / "file"
    file.write_text("precious")
    site.patch_volume(name_of(volume), RETAIN)
    site.delete_claim("data")
    site.released(volume)
    site.delete_volume(name_of(volume))
    site.gone(volume)
    return file


def cancel(site: Site, running: Running, *, made: str) -> list[str]:
    """The next claim is deleted when its volume is requested; the list has the volume's name.

    The request is carried out or not, and answered or not.
    """
    create, asked = running.api.create, list[str]()

    def ask(resource: Resource, body: Json, namespace: str = "", **more: Any) -> Json:
        if resource is not VOLUMES or asked:
            return create(resource, body, namespace, **more)
        site.delete_claim("data")
        eventually(lambda: site.find_claim("data") is None)
        found = create(resource, body, namespace, **more) if made != "not made" else {}
        asked.append(name_of(body))
        if made != "answered":
            raise ServerUnavailable("no answer")
        return found

    running.manager.api.create = ask  # type: ignore[method-assign]
    return asked


@pytest.mark.parametrize("made", ["not made", "not answered", "answered"])
def test_data_that_a_person_retained_outlives_a_claim_that_never_was_bound(
    site: Site, made: str
) -> None:
    running = site.serve()
    storage_class = site.make_class(parameters=PARAMETERS)
    file = retained(site, storage_class)
    asked = cancel(site, running, made=made)
    site.claim(storage_class)

    eventually(lambda: asked)
    eventually(lambda: not running.claims_controller.in_progress, what="the attempt has ended")
    eventually(lambda: site.find_volume(asked[0]) is None, what="no volume is left")
    running.settle()
    assert file.exists()

    volume = site.bound(site.claim(storage_class))  # whoever asks again gets it
    assert site.directory(volume) == file.parent
    assert file.read_text() == "precious"
