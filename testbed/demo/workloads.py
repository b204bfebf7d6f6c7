"""The StatefulSets of examples/ that the demo plays, and what is to come of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Workload:
    """One folder of examples/: its StatefulSet, what its claims ask, what its pods write.

    Attributes:
        folder: beneath examples/.
        template: name of the claim template; a claim is called TEMPLATE-POD.
        class_name, size, access: what the template asks for.
        file: what each pod writes into its volume, and
        contents: the text of it, one a replica.
    """

    folder: str
    namespace: str
    set_name: str
    template: str
    class_name: str
    size: str
    access: str
    file: str
    contents: tuple[str, ...]

    def pod(self, number: int) -> str:
        """Name of a pod of the StatefulSet."""
        return f"{self.set_name}-{number}"

    @property
    def claim_prefix(self) -> str:
        """What the names of all its claims begin with."""
        return f"{self.namespace}/{self.template}-{self.set_name}-"

    def claim(self, number: int) -> str:
        """NAMESPACE/NAME of a pod's claim."""
        return f"{self.claim_prefix}{number}"

    @property
    def claims(self) -> dict[str, str]:
        """Each claim with its content."""
        return {self.claim(number): text for number, text in enumerate(self.contents)}


HTTPD: Final = Workload(
    folder="httpd-own-namespace",
    namespace="xgp-lll",
    set_name="statefulset-test",
    template="test",
    class_name="stateful-nfs",
    size="100Mi",
    access="ReadWriteOnce",
    file="index.html",
    contents=("123", "456", "789"),
)
REDIS: Final = Workload(
    folder="redis",
    namespace="default",
    set_name="redis-pv-sts",
    template="redis-100m-pvc",
    class_name="nfs-client",
    size="100Mi",
    access="ReadWriteMany",
    file="appendonly.aof",
    contents=("jack", "jill"),
)
MYAPP: Final = Workload(
    folder="myapp",
    namespace="default",
    set_name="myapp",
    template="myappdata",
    class_name="nfs-client-storageclass",
    size="2Gi",
    access="ReadWriteOnce",
    file="index.html",
    contents=("one", "two", "three"),
)

WORKLOADS: Final = (HTTPD, REDIS, MYAPP)
