"""What is sent to the API server about volumes: in a term, and about the volume that was read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from holdfast.claims.constants import FINALIZER
from holdfast.claims.objects import Volume
from holdfast.controller.requeue import LeadershipLost
from holdfast.controller.volume_client import VolumeClient
from tests.fake.apiserver import Request, Verb
from tests.unit.controller.given import a_volume, ref
from tests.unit.controller.site import Site

Change = Callable[[VolumeClient, Volume], object]


def read(site: Site) -> tuple[VolumeClient, Volume]:
    """A volume as it was just read."""
    site.add_volume(a_volume(ref(), finalizers=()))
    client = VolumeClient(site.context)
    volume = client.find("pvc-1")
    assert volume is not None
    return client, volume


def sent(site: Site, verb: Verb) -> list[Request]:
    return [request for request in site.server.requests if request.verb == verb]


@pytest.mark.parametrize(
    ("verb", "change"),
    [
        ("patch", lambda client, volume: client.patch(volume, {"finalizers": [FINALIZER]})),
        ("delete", lambda client, volume: client.delete(volume)),
    ],
)
def test_who_does_not_lead_any_more_changes_no_volume(
    site: Site, verb: Verb, change: Change
) -> None:
    client, volume = read(site)

    with site.gate.within(site.term):
        site.leads = False
        with pytest.raises(LeadershipLost):
            change(client, volume)

    assert sent(site, verb) == []


def test_a_deletion_names_the_uid_and_the_version_of_the_volume_that_was_read(site: Site) -> None:
    """Another may have been created by its name meanwhile."""
    client, volume = read(site)

    with site.gate.within(site.term):
        client.delete(volume)

    [deletion] = sent(site, "delete")
    expected = {"uid": volume.uid, "resourceVersion": volume.version}
    assert all(expected.values())
    assert deletion.body == {"preconditions": expected}
