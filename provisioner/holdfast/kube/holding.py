"""What a Lease object says and what to write into it; no requests, no threads.

Field rules are those of coordination.k8s.io/v1 `LeaseSpec` and of client-go's `LeaseLock`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.kube import clock
from holdfast.kube.resources import LEASES, Json


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


class Sighting:
    """The lease as last read, and since when it has said so, by our own monotonic clock.

    The times written in it are another machine's and are never looked at.
    """

    def __init__(self) -> None:
        self.lease: Json | None = None
        self._spec: Json | None = None
        self._since = -math.inf

    def saw(self, lease: Json) -> None:
        """The server holds this lease now."""
        self.lease = lease
        spec = lease.get("spec") or {}
        if spec != self._spec:
            self._spec = spec
            self._since = clock.boottime()

    def free_in(self, identity: str, duration: float) -> float:
        """Seconds until `identity` may take it; `duration` is for a lease that names none."""
        spec = self._spec or {}
        if spec.get("holderIdentity", "") in {"", None, identity}:
            return 0.0
        runs = float(spec.get("leaseDurationSeconds") or duration)
        return max(0.0, self._since + runs - clock.boottime())

    def held_by(self, identity: str) -> bool:
        """Whether the lease named `identity` when it was last read."""
        return (self._spec or {}).get("holderIdentity") == identity


def fresh(name: str, namespace: str, identity: str, duration: float) -> Json:
    """A lease that nobody had before."""
    return {
        "apiVersion": LEASES.api,
        "kind": LEASES.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": _spec(identity, duration, acquired=_now(), transitions=0),
    }


def taken(lease: Json, identity: str, duration: float) -> Json:
    """`lease` taken or renewed by `identity`, at the resourceVersion it was read at."""
    old = lease.get("spec") or {}
    transitions = int(old.get("leaseTransitions") or 0)
    if old.get("holderIdentity") == identity:
        spec = _spec(identity, duration, old.get("acquireTime") or _now(), transitions)
    else:
        spec = _spec(identity, duration, _now(), transitions + 1)
    return {**lease, "spec": {**old, **spec}}


def released(lease: Json) -> Json:
    """`lease` held by nobody; one second, for those who look at the duration only."""
    old = lease.get("spec") or {}
    spec = _spec("", 1.0, _now(), int(old.get("leaseTransitions") or 0))
    return {**lease, "spec": {**old, **spec}}


def _spec(holder: str, duration: float, acquired: str, transitions: int) -> Json:
    return {
        "holderIdentity": holder,
        "leaseDurationSeconds": math.ceil(duration),
        "acquireTime": acquired,
        "renewTime": _now(),
        "leaseTransitions": transitions,
    }


def _now() -> str:
    """Kubernetes' MicroTime: RFC 3339 with six digits."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
