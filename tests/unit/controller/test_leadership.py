"""Who works: an elector where there may be several replicas."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.claims.decide import Provisioner
from holdfast.controller.leadership import Alone, leadership
from holdfast.controller.settings import ExportSettings, Settings
from holdfast.kube.api import Api
from holdfast.kube.lease import LeaderElector
from holdfast.kube.resources import LEASES
from tests.fake.apiserver import FakeApiServer
from tests.logged import captured_logs
from tests.support import eventually
from tests.unit.controller.given import ADDRESS, NAME

LEASE = "example.com-nfs-fast"


def settings(**given: Any) -> Settings:
    return Settings(
        provisioner=Provisioner(NAME),
        exports=(ExportSettings(address=ADDRESS),),
        namespace="storage",
        identity="holdfast-0",
        **given,
    )


def yes() -> bool:
    return True


def no() -> bool:
    return False


def test_the_only_replica_always_leads(api: Api) -> None:
    alone = leadership(api, settings(leader_election=False), LEASE, may_lead=no, busy=yes)
    assert isinstance(alone, Alone)

    alone.start()
    alone.stop()

    assert alone.leading()


def test_else_the_lease_decides(api: Api, server: FakeApiServer) -> None:
    elector = leadership(api, settings(), LEASE, may_lead=yes, busy=no)
    with captured_logs() as lines:
        elector.start()
        eventually(elector.leading)
        elector.stop()

    lease = server.objects.get(LEASES.path("storage", LEASE))
    assert lease["spec"]["holderIdentity"] == ""
    assert [line["event"] for line in lines] == [
        "this replica leads",
        "this replica does not lead",
    ]


def test_whether_it_may_lead_and_is_busy_is_asked_of_the_export(api: Api) -> None:
    elector = leadership(api, settings(), LEASE, may_lead=no, busy=yes)

    assert isinstance(elector, LeaderElector)
    assert (elector._may_lead, elector._busy) == (no, yes)
    assert elector._identity == "holdfast-0"


def test_what_the_export_says_of_itself_goes_into_the_lease(
    api: Api, server: FakeApiServer
) -> None:
    elector = leadership(
        api, settings(), LEASE, may_lead=yes, busy=no, describe=lambda: {"holdfast.io/x": "y"}
    )
    elector.start()
    eventually(elector.leading)
    elector.stop()

    lease = server.objects.get(LEASES.path("storage", LEASE))
    assert lease["metadata"]["annotations"] == {"holdfast.io/x": "y"}


@pytest.mark.parametrize("leads", [True, False])
def test_a_lease_that_nobody_holds_yet_lets_nobody_work(api: Api, *, leads: bool) -> None:
    elector = leadership(api, settings(leader_election=leads), LEASE, may_lead=yes, busy=no)

    assert elector.leading() is not leads
