"""What the cache takes from an answer is news as an event is, which says nothing new then.

Design, rule 5 and 10: what a person says of a volume is heeded, and nothing is left over.
"""

from __future__ import annotations

import json

import pytest

from holdfast.exports.errors import TimedOut
from holdfast.kube import errors as kube
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import NO_ANSWER, Request
from tests.unit.controller.given import emptied, ref
from tests.unit.controller.site import Site, before, failing, once

RETAIN = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}


@pytest.mark.parametrize("news", ["event", "list"])
def test_a_volume_that_was_released_while_the_watch_was_away_is_reclaimed(
    site: Site, news: str
) -> None:
    """The API server made it, and its answer was lost in an outage.

    The next attempt finds the volume, and reads it, before the watch says that it was released.
    """
    site.add_claim(ref())
    site.server.meanwhile("create", lambda one: _make(site, one))
    site.server.fail("create", NO_ANSWER)
    with pytest.raises(kube.ServerUnavailable):
        site.serve()
    emptied(site.view.volume_queue)
    before = len(site.server.objects.history)
    # The outage is over, but not for our watches.
    site.server.objects.patch(VOLUMES.path(name="pvc-1"), {"status": {"phase": "Released"}})
    site.remove_claim(ref(), seen=False)

    site.serve()

    # Now the watches are back.
    if news == "event":
        for _, path, kind, obj in site.server.objects.history[before - 1 :]:
            which = 2 if path.startswith(VOLUMES.path()) else 0
            site._take(which, kind, json.loads(json.dumps(obj)))
    else:
        for reflector in (site.caches.reflectors[0], site.caches.reflectors[2]):
            reflector._list()
    claims, volumes = site.queued()
    for _ in range(3):  # all that is queued is worked on
        for key in claims:
            site.serve(key)
        for name in volumes:
            site.look_after(name.removeprefix("pvc-"))
        emptied(site.view.claim_queue), emptied(site.view.volume_queue)
        claims, volumes = site.queued()

    held = site.volume()
    assert held is None, f"{held['status']}: Released with policy Delete, and not in the queue"


def _make(site: Site, request: Request) -> None:
    site.server.objects.create(request.path, request.body)


@pytest.mark.parametrize("by", ["event first", "answer first"])
def test_a_volume_set_to_retain_on_its_way_out_keeps_its_data(site: Site, by: str) -> None:
    """Another program holds the volume; the first attempt to move its data back fails."""
    site.add_class(onDelete="delete")
    site.serve_and_bind(ref())
    (site.root / "team" / "data" / "file").write_text("precious")
    held = site.volume()
    assert held is not None
    theirs = [*(held["metadata"].get("finalizers") or []), "example.com/backup"]
    site.edit("1", {"metadata": {"finalizers": theirs}})
    site.release()
    site.look_after()
    site.see()
    trash = site.root / ".holdfast/trash/pvc-1/file"
    assert trash.exists()
    held = site.volume()
    assert held is not None
    assert held["metadata"].get("deletionTimestamp"), held["metadata"]

    site.edit("1", RETAIN, seen=by == "event first")
    if by == "answer first":
        site.view.update_from_response(
            site.volume() or {}
        )  # as `refresh` does, at the start of a turn
        site.see()  # the event, which says nothing new
    before(site.export, "recover", once(failing(TimedOut("it hangs"))))
    with pytest.raises(TimedOut):
        site.look_after()
    gone = site.server.objects.patch(VOLUMES.path(name="pvc-1"), {"metadata": {"finalizers": None}})
    site._take(2, "DELETED", gone)
    assert site.volume() is None

    site.look_after()
    if trash.exists():
        site.export.reap(site.grant, "pvc-1", 100)
    assert (site.root / "team" / "data" / "file").exists()
