"""Many claims at once, some of which are served only after a test has broken something."""

from __future__ import annotations

from typing import Any

from tests.chaos import Cluster, let_go
from tests.support import eventually

CLAIMS = 300
_HELD = 2  # of the eight that are worked on at a time


class Burst:
    """A provisioner and its claims; `begin` comes once the provisioner is started."""

    def __init__(self, cluster: Cluster, **more: Any) -> None:
        """`more` as `Provisioner` has it."""
        self._cluster = cluster
        self._flags = cluster.root.with_name("flags")
        self._flags.mkdir()
        self.provisioner = cluster.provisioner(
            command=("-m", "tests.hanging", "run"), HANGING=str(self._flags), **more
        )

    def begin(self) -> None:
        """Returns in the middle of it; however late that is, it is not over before `go_on`."""
        self.provisioner.await_line("term begun")
        for number in range(CLAIMS - _HELD, CLAIMS):
            (self._flags / f"data-{number}").touch()
        self._cluster.make_claims(self._cluster.make_class(), CLAIMS)
        eventually(lambda: len(self._cluster.records()) > CLAIMS // 4, what="a quarter is made")
        assert len(self._cluster.records()) < CLAIMS

    def go_on(self) -> None:
        """Has the rest served as soon as that is possible."""
        let_go(self._flags)
