"""What a Lease object says and what to write into it; no requests, no threads.

Field rules are those of coordination.k8s.io/v1 `LeaseSpec` and of client-go's `LeaseLock`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.kube import clock
from holdfast.kube.resources import LEASES, Json

_LAST_TERM = 2**31 - 1  # the API server takes no higher one
_LONGEST = 10.0  # of others' leases, in durations of ours; a longer one is somebody's edit


@dataclass(frozen=True)
class Timing:
    """Seconds; `duration` > `renew_deadline` > `retry`.

    Others may take the lease `duration` after its last change, the holder stops working
    `renew_deadline` after its last renewal and renews every `retry`; candidates look every
    `poll`.
    """

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0
    poll: float = 1.0

    def __post_init__(self) -> None:
        if not self.duration > self.renew_deadline > self.retry > 0 < self.poll:
            raise ValueError(
                "A lease's duration must be longer than its renew deadline, and that longer "
                f"than the time between renewals, but they are {self.duration:g}, "
                f"{self.renew_deadline:g} and {self.retry:g} s."
            )


class ObservedLease:
    """The lease as last read, and since when it has said so, by our own clock.

    The times written in it are another machine's and are never looked at.
    """

    def __init__(self) -> None:
        self.lease: Json | None = None
        self._term = -1  # the highest seen; also when the lease was deleted since
        self._spec: Json = {}  # the last seen; also when the lease was deleted since
        self._since = -math.inf

    def observe(self, lease: Json) -> None:
        """The server holds this lease now."""
        spec = lease.get("spec") or {}
        has_ended = self._term == _LAST_TERM  # the count begins again
        self._term = _term(spec) if has_ended else max(self._term, _term(spec))
        if self.lease is None or spec != self._spec:
            self._spec = spec
            self._since = clock.boottime()
        self.lease = lease

    def observe_none(self) -> None:
        """The server holds no such lease now; a holder that was seen may still lead.

        It may have renewed the lease just before that was deleted.
        """
        if self.lease is not None or self._since == -math.inf:
            self._since = clock.boottime()
        self.lease = None

    def next_term(self) -> int:
        """The term of who takes the lease; after the last that the API server takes, the first."""
        return 0 if self._term == _LAST_TERM else self._term + 1

    def free_in(self, identity: str, duration: float, acquire_delay: float = 0.0) -> float:
        """Seconds until `identity` may take it.

        Args:
            identity: whose own lease is free for it.
            duration: seconds of a lease of ours: for one that names none, and at most for one that
                was deleted. Another's runs ten times as long at most.
            acquire_delay: seconds for which another's must have been free.
        """
        holder = self._spec.get("holderIdentity")
        if holder == identity:
            return 0.0
        runs = self._runs(duration) if holder else 0.0
        return max(0.0, self._since + runs + acquire_delay - clock.boottime())

    def _runs(self, duration: float) -> float:
        longest = duration if self.lease is None else _LONGEST * duration
        return min(float(self._spec.get("leaseDurationSeconds") or duration), longest)

    def held_by(self, identity: str, term: int) -> bool:
        """Whether the lease named `identity` when it was last seen, in no later term."""
        return self._spec.get("holderIdentity") == identity and _term(self._spec) <= term


def created(name: str, namespace: str, identity: str, duration: float, term: int = 0) -> Json:
    """A lease where there is none."""
    return {
        "apiVersion": LEASES.api,
        "kind": LEASES.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": _spec(identity, duration, _now(), term),
    }


def held(lease: Json, identity: str, duration: float, term: int) -> Json:
    """`lease` held by `identity` in `term`, at the resourceVersion it was read at.

    One leadership is one term: a lease of the same holder and term is renewed.
    """
    old = lease.get("spec") or {}
    renewed = old.get("holderIdentity") == identity and _term(old) == term
    acquired = old.get("acquireTime") if renewed else None
    return {**lease, "spec": {**old, **_spec(identity, duration, acquired or _now(), term)}}


def released(lease: Json) -> Json:
    """`lease` held by nobody; one second, for those who look at the duration only."""
    old = lease.get("spec") or {}
    return {**lease, "spec": {**old, **_spec("", 1.0, _now(), _term(old))}}


def _spec(holder: str, duration: float, acquired: str, term: int) -> Json:
    return {
        "holderIdentity": holder,
        "leaseDurationSeconds": math.ceil(duration),
        "acquireTime": acquired,
        "renewTime": _now(),
        "leaseTransitions": term,
    }


def _term(spec: Json) -> int:
    return int(spec.get("leaseTransitions") or 0)


def _now() -> str:
    """Kubernetes' MicroTime: RFC 3339 with six digits."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
