"""Who works: the one replica that holds the lease, or the only one there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from holdfast.controller.settings import Settings
from holdfast.kube.api import Api
from holdfast.kube.lease import Elector

_log = structlog.get_logger()


class Leadership(Protocol):
    """What the program asks of an elector."""

    def start(self) -> None:
        """Begins to campaign."""

    def stop(self) -> None:
        """Gives leadership up."""

    def leading(self) -> bool:
        """Whether work may be done now."""


class Alone:
    """The only replica, by its administrator's word (ENABLE_LEADER_ELECTION=false)."""

    def start(self) -> None:
        """There is nobody to campaign against."""

    def stop(self) -> None:
        """There is nothing to give up."""

    def leading(self) -> bool:
        """Always."""
        return True


def leadership(
    api: Api, settings: Settings, *, may_lead: Callable[[], bool], busy: Callable[[], bool]
) -> Leadership:
    """The elector that the settings ask for; see `Elector` for `may_lead` and `busy`."""
    if not settings.leader_election:
        return Alone()
    return Elector(
        api,
        name=settings.provisioner.lease,
        namespace=settings.namespace,
        identity=settings.identity,
        may_lead=may_lead,
        busy=busy,
        changed=_announce,
    )


def _announce(leads: bool) -> None:  # noqa: FBT001 - a callback's signature
    _log.info("this replica leads" if leads else "this replica does not lead")
