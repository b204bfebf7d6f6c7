"""Leader election: of several replicas, the one that holds the Lease leads.

The rules are client-go's (`tools/leaderelection`), with the clock on the safe side:

- A holder stops at `renew_deadline` after it *began* its last successful renewal, whatever a
  request in flight does; another may take the lease `duration` after it *saw* the last change.
  Both measure on their own clock since boot, so no two machines' clocks are ever compared.
- Deleting the lease does not end its holder, which creates it again when it renews it. Others wait
  as long as for a lease that was renewed just then; client-go's take it at once. Who never saw its
  holder cannot know of it.
- Every write carries the resourceVersion that was read, so of two candidates one gets a
  conflict.
- Each leadership is a term of its own: it raises `leaseTransitions` by one, also where the
  same identity takes the lease again. client-go counts changes of the identity, but a restarted
  container has its pod's identity, and what its predecessor began is another term's.
- Stopping gives the lease up, so the next holder need not wait. While work is outstanding that
  cannot be called back, it is not renewed and not given up either: it runs out. Nor is it taken
  again before that work has ended.
- What the holder says of itself goes into annotations with each of these writes. Only a change of
  the spec renews a lease, so one that runs out can be annotated as well. Where others' annotations
  leave no room for them, the lease is written without.
- Whatever somebody writes into a lease, it is free some day: after the last number of a term comes
  the first, and nobody's lease runs longer than ten times ours.

Rejected: the package's election, which trusts the wall clock, has no request deadline (two
leaders at once behind a hung server) and never gives a lease up.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Mapping

from holdfast.kube import clock, lease_spec
from holdfast.kube.api import Api
from holdfast.kube.connection import Connection
from holdfast.kube.errors import (
    AlreadyExists,
    Conflict,
    Invalid,
    KubeError,
    NotFound,
    ServerUnavailable,
)
from holdfast.kube.lease_annotations import LeaseAnnotations, nothing
from holdfast.kube.lease_spec import ObservedLease, Timing
from holdfast.kube.log_once import LogOnce
from holdfast.kube.resources import LEASES, Json
from holdfast.log import Logger

__all__ = ["LeaderElector", "Timing", "always", "never"]

# Longest wait for each of the two requests that give the lease up.
RELEASE_TIMEOUT = 1.0
# How often a stopped elector asks whether outstanding work has ended.
BUSY_PAUSE = 0.05

_log = Logger(__name__)


def always() -> bool:
    """Nothing stands against leading."""
    return True


def never() -> bool:
    """No work is outstanding."""
    return False


class LeaderElector:
    """One thread that campaigns for a lease and keeps it."""

    def __init__(
        self,
        api: Api,
        *,
        name: str,
        namespace: str,
        identity: str,
        timing: Timing | None = None,
        may_lead: Callable[[], bool] = always,
        busy: Callable[[], bool] = never,
        changed: Callable[[bool], None] | None = None,
        acquire_delay: Callable[[], float] = lambda: 0.0,
        describe: Callable[[], Mapping[str, str]] = nothing,
    ) -> None:
        """`identity` must be this process's alone: whoever bears it takes the lease at once.

        While `may_lead` is False the lease is not sought, and is given up, unless `busy` says
        that work is outstanding that cannot be called back: then it runs out. It is not sought
        again before such work has ended, whatever `may_lead` says. Work must be `busy` before it
        asks whether it may begin (`leading`). `changed` is told True and False on this elector's
        thread, up to `retry` late; `leading` is what counts. A free lease is left to others for
        `acquire_delay` seconds. `describe` gives annotations for the lease, at each write of it;
        renewing waits for it, so it must not block.
        """
        self._api = api
        self._name = name
        self._namespace = namespace
        self._identity = identity
        self._timing = timing or Timing()
        self._may_lead = may_lead
        self._busy = busy
        self._handicap = acquire_delay
        self._changed = changed or (lambda _leads: None)
        self._annotations = LeaseAnnotations(describe)
        self._says_why = False  # a lease that runs out: once
        self._server_log = LogOnce(f"keeping lease {namespace}/{name}")
        self._connection = Connection()
        self._observed = ObservedLease()
        self._may_hold = False
        self._term = -1  # of the last write, answered or not
        self._state = threading.RLock()
        self._until = -math.inf
        self._told = False
        self._stopping = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="elector", daemon=True)

    def start(self) -> None:
        """Begin to campaign; the server need not be there yet."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Stop leading at once and give the lease up; waits at most `timeout` seconds.

        End the work first: another may begin the moment this is called. While work is busy the
        lease is kept; where it is so after half of `timeout`, the lease is left to run out.
        """
        self._stopping.set()
        self._lead_until(-math.inf)
        if self._thread.ident is None:
            return
        self._thread.join(timeout / 2)
        self._ending.set()
        self._connection.abort()
        self._thread.join(timeout / 2)

    def leading(self) -> bool:
        """Whether work may be done now."""
        return clock.boottime() < self._until

    def last_seen(self) -> Json | None:
        """The lease as it was last read or written; None where there is none."""
        return self._observed.lease

    def is_free(self) -> bool:
        """Whether this elector may take the lease, which was free when it was last looked at."""
        is_free = self._observed.free_in(self._identity, self._timing.duration) == 0
        return is_free and self._may_campaign(renews=False)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self._step())
        self._guarded(self._release)
        self._tell()

    def _step(self) -> float:
        """Renew, campaign or stand aside once; the seconds until the next step."""
        with self._connection.used():
            pause = self._guarded(self._campaign)
        self._tell()
        return pause

    def _guarded(self, act: Callable[[], float]) -> float:
        try:
            return act()
        except KubeError as error:
            if not self._stopping.is_set():
                self._server_log.unavailable(error)
        except Exception:  # noqa: BLE001 -- nobody would start this thread again
            _log.exception("unexpected error", doing="leader election")
        return min(self._timing.retry, self._poll())

    def _campaign(self) -> float:
        started, renews = clock.boottime(), self.leading()
        if not self._may_campaign(renews=renews):
            return self._let_run_out() if self._busy() else self._give_up()
        deadline = started + self._timing.renew_deadline / 2
        if renews:
            deadline = min(deadline, self._until)
        else:
            self._look(_left(deadline))
        acquire_delay = 0.0 if renews else self._handicap()
        wait = self._observed.free_in(self._identity, self._timing.duration, acquire_delay)
        if wait > 0:
            return min(wait, self._poll())
        if not renews:
            self._term = self._observed.next_term()
        return self._take(started, deadline, renews=renews)

    def _may_campaign(self, *, renews: bool) -> bool:
        """Whether it may write the lease; no new term begins beside work of an earlier one."""
        return self._may_lead() and (renews or not self._busy())

    def _look(self, timeout: float) -> None:
        """Read the lease, and stop leading if another has it."""
        try:
            lease = self._api.get(LEASES, self._name, self._namespace, timeout=timeout)
        except NotFound:
            self._observed.observe_none()
        else:
            self._observed.observe(lease)
            if not self._observed.held_by(self._identity, self._term):
                self._lead_until(-math.inf)
        self._server_log.available()

    def _take(self, started: float, deadline: float, *, renews: bool) -> float:
        self._may_hold = True  # also when no answer to the write comes back
        try:
            lease = self._write(_left(deadline))
        except (Conflict, AlreadyExists):
            self._look(_left(deadline))
            return self._timing.retry / 10
        self._observed.observe(lease)
        self._server_log.available()
        self._says_why = False
        with self._state:
            # An answer after the end of a leadership does not revive it: the next is a new term.
            if self.leading() or not renews:
                self._lead_until(started + self._timing.renew_deadline)
        return self._timing.retry

    def _write(self, timeout: float) -> Json:
        whose, duration = self._identity, self._timing.duration
        if self._observed.lease is None:
            lease = lease_spec.created(self._name, self._namespace, whose, duration, self._term)
            lease = self._annotations.add_to(lease)
            return self._api.create(LEASES, lease, self._namespace, timeout=timeout)
        lease = lease_spec.held(self._observed.lease, whose, duration, self._term)
        return self._replace_annotated(lease, timeout)

    def _replace_annotated(self, lease: Json, timeout: float) -> Json:
        """Writes a lease with our annotations, or without them where those of others fill it."""
        annotated = self._annotations.add_to(lease)
        try:
            return self._replace(annotated, timeout)
        except Invalid as error:
            if annotated is lease:
                raise
            plain = self._annotations.remove_from(lease, error.message)
            return self._replace(plain, timeout)

    def _replace(self, lease: Json, timeout: float) -> Json:
        """Raises Conflict also when the lease was deleted."""
        try:
            return self._api.replace(LEASES, self._name, lease, self._namespace, timeout=timeout)
        except NotFound as error:
            raise Conflict(error.status, error.reason, "The lease was deleted.") from error

    def _release(self) -> float:
        """Give the lease up at the end, as soon as no work is outstanding."""
        while self._busy():
            if self._ending.wait(BUSY_PAUSE):
                return 0.0
        return self._give_up()

    def _give_up(self) -> float:
        """Stop leading, and if the lease is ours let others have it at once."""
        self._lead_until(-math.inf)
        if self._may_hold and not self._busy():  # it may have begun while this one still led
            self._look(RELEASE_TIMEOUT)
            if self._observed.lease and self._observed.held_by(self._identity, self._term):
                lease = lease_spec.released(self._observed.lease)
                self._replace_annotated(lease, RELEASE_TIMEOUT)
            self._may_hold = False
        return self._poll()

    def _let_run_out(self) -> float:
        """Neither renew the lease nor give it up; say once in its annotations why."""
        lease, says_why = self._observed.lease, self._says_why
        if lease and not says_why and self._observed.held_by(self._identity, self._term):
            self._says_why = True  # whatever becomes of it
            annotated = self._annotations.add_to(lease)
            if annotated is not lease:
                self._annotate(annotated)
        return self._poll()

    def _annotate(self, lease: Json) -> None:
        try:
            self._observed.observe(self._replace(lease, RELEASE_TIMEOUT))
        except Conflict:
            self._look(RELEASE_TIMEOUT)

    def _lead_until(self, moment: float) -> None:
        with self._state:
            self._until = -math.inf if self._stopping.is_set() else moment

    def _tell(self) -> None:
        leads = self.leading()
        if leads != self._told:
            self._told = leads
            self._changed(leads)

    def _poll(self) -> float:
        return self._timing.poll * random.uniform(0.8, 1.2)  # noqa: S311 -- spread, not a secret


def _left(deadline: float) -> float:
    left = deadline - clock.boottime()
    if left <= 0:
        raise ServerUnavailable("The API server took too long to answer about the lease.")
    return left
