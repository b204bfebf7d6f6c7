"""An attempt whose end is not known, and a claim that has to wait by now and is then deleted."""

from __future__ import annotations

import pytest

from holdfast.claims import constants
from holdfast.kube import errors as kube
from holdfast.kube.resources import CLAIMS, CLASSES
from tests.fake.apiserver import NO_ANSWER
from tests.unit.controller.given import a_class, emptied, ref
from tests.unit.controller.site import Site


def run_queue(site: Site) -> None:
    """Works on all keys of claims that are due, as the workers do."""
    for _ in range(10):
        for key in emptied(site.view.claim_queue):
            site.serve(key)
            site.view.claim_queue.forget(key)


def wait_for_first_consumer(site: Site) -> None:
    path = f"{CLASSES.path()}/nfs"
    del site.server.objects.by_path[path]
    made = a_class({"pathPattern": "${.PVC.namespace}/${.PVC.name}"}) | {
        "volumeBindingMode": "WaitForFirstConsumer"
    }
    site._take(1, "ADDED", site.server.objects.create(CLASSES.path(), made))


def annotate(site: Site, node: str | None) -> None:
    change = {"metadata": {"annotations": {constants.SELECTED_NODE: node}}}
    edited = site.server.objects.patch(CLAIMS.path("team", "data"), change)
    site._take(0, "MODIFIED", edited)


def ask(site: Site) -> None:
    """A claim is scheduled, and the API server does not answer the request for its volume."""
    wait_for_first_consumer(site)
    site.add_claim(ref())
    annotate(site, "node")
    emptied(site.view.claim_queue)
    site.server.fail("create", NO_ANSWER)
    with pytest.raises(kube.ServerUnavailable):
        site.serve()


def left(site: Site) -> list[str]:
    return [path.name for path in (site.root / ".holdfast" / "creating").iterdir()]


def test_an_attempt_of_this_process_is_undone_once_its_claim_that_waits_again_is_deleted(
    site: Site,
) -> None:
    ask(site)
    site.view.claim_queue.retry("team/data")

    annotate(site, None)  # the node is gone: it is to be scheduled anew
    run_queue(site)
    site.remove_claim(ref())
    run_queue(site)

    assert left(site) == []
    assert site.claims_controller.in_progress == set()
    assert not (site.root / "team" / "data").exists()


def test_an_attempt_of_an_earlier_process_is_undone_once_its_claim_that_waits_is_deleted(
    site: Site,
) -> None:
    ask(site)
    site.set_up(site.context)  # another process
    site.lead()
    annotate(site, None)
    run_queue(site)
    site.remove_claim(ref())
    run_queue(site)

    assert left(site) == []
    assert not (site.root / "team" / "data").exists()
