"""The provisioner's replicas on a lab, as the person on call sees them."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote
from typing import Any, Final

from testbed.errors import LabError
from testbed.waiting import until
from tests.lab.examples.cluster import Cluster

_NAMESPACE: Final = "--namespace=holdfast"
# What Ansible needs is on every machine; curl is not.
_ASK: Final = """
import http.client, sys
asked = http.client.HTTPConnection(sys.argv[1], 8080, timeout=5)
asked.request("GET", "/readyz")
print(asked.getresponse().read().decode())
"""
_PATIENCE: Final = 240.0  # seconds; a stale mount is waited for a minute, and pods are slow


@dataclass(frozen=True)
class Replicas:
    """All pods of the Deployment."""

    cluster: Cluster

    def pods(self) -> list[dict[str, Any]]:
        """Those that are not on their way out."""
        found = self.cluster.get("pods", _NAMESPACE, "--selector=app.kubernetes.io/name=holdfast")
        return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]

    def readiness(self) -> list[str]:
        """What /readyz of each says; empty where nobody answers."""
        addresses = [pod["status"].get("podIP", "") for pod in self.pods()]
        return [self._asked(address) if address else "" for address in addresses]

    def await_all(self, words: str) -> None:
        """Waits until each replica says the words."""

        def say() -> bool:
            said = self.readiness()
            return len(said) == 2 and all(words in text for text in said)

        until(say, _PATIENCE, f"both replicas say {words!r}, not {self.readiness()}", pause=1.0)

    def warnings(self) -> list[str]:
        """The events of the wrong export."""
        field = "--field-selector=reason=WrongExport"
        return [
            event["message"] for event in self.cluster.get("events", _NAMESPACE, field)["items"]
        ]

    def run(self, *words: str) -> str:
        """What a command in one of the pods says; raises LabError."""
        pod = (_NAMESPACE, "exec", "deploy/holdfast", "--")
        return self.cluster.kubectl(*pod, *words, deadline=120)

    def _asked(self, address: str) -> str:
        try:
            return self.cluster.guest("control").ssh(f"python3 -c {quote(_ASK)} {address}")
        except LabError:  # it has ended meanwhile
            return ""
