"""Leader election: the replica that holds the lease leads, or the only replica does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from holdfast.claims.decide import DEFAULT_EXPORT
from holdfast.controller.settings import Settings
from holdfast.kube.api import Api
from holdfast.kube.lease import LeaderElector
from holdfast.kube.lease_annotations import nothing
from holdfast.kube.resources import Json
from holdfast.log import Logger

_log = Logger(__name__)


class Leadership(Protocol):
    """The interface of an elector."""

    def start(self) -> None:
        """Starts campaigning for the lease."""

    def stop(self) -> None:
        """Releases the lease."""

    def leading(self) -> bool:
        """Whether this replica leads now."""

    def last_seen(self) -> Json | None:
        """The lease as it was last read or written; None where there is none."""

    def is_free(self) -> bool:
        """Whether this replica may take the lease, which was free when last looked at."""


class Alone:
    """The only replica, as configured with ENABLE_LEADER_ELECTION=false."""

    def start(self) -> None:
        """Does nothing: there is no lease."""

    def stop(self) -> None:
        """Does nothing: there is no lease."""

    def leading(self) -> bool:
        """Always true."""
        return True

    def last_seen(self) -> None:
        """Always None."""

    def is_free(self) -> bool:
        """Always false."""
        return False


def leadership(
    api: Api,
    settings: Settings,
    lease: str,
    *,
    export: str = DEFAULT_EXPORT,
    acquire_delay: Callable[[], float] = lambda: 0.0,
    may_lead: Callable[[], bool],
    busy: Callable[[], bool],
    describe: Callable[[], Mapping[str, str]] = nothing,
) -> Leadership:
    """Creates the elector for the settings; see `LeaderElector` for the functions.

    `export` is the export's name, for the log.
    """
    if not settings.leader_election:
        return Alone()
    return LeaderElector(
        api,
        name=lease,
        namespace=settings.namespace,
        identity=settings.identity,
        may_lead=may_lead,
        busy=busy,
        acquire_delay=acquire_delay,
        changed=partial(_announce, export),
        describe=describe,
    )


def _announce(export: str, leads: bool) -> None:  # noqa: FBT001 - a callback's signature
    _log.info("this replica leads" if leads else "this replica does not lead", export=export)
