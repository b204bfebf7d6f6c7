"""The controllers of all exports, kept in line with what is configured while the process runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from holdfast.controller.caches import Caches
from holdfast.controller.export_controller import ExportController, title_of
from holdfast.controller.settings import ExportSettings
from holdfast.log import Logger

_log = Logger(__name__)

_WORK_IN_HAND = 5.0  # seconds that the work of an export has to end that is not served any more
_HANGING = 6.0  # seconds after which what has not ended is said to hang


@dataclass
class _Retiring:
    """A controller that ends, and whether it was told that another one waits for this."""

    thread: threading.Thread
    since: float = field(default_factory=time.monotonic)
    is_told: bool = False


class ExportSet:
    """Starts and ends controllers; `apply` and `turn` are called by one thread.

    Attributes:
        wanted: the exports that are configured now.
    """

    def __init__(
        self,
        caches: Caches,
        make: Callable[[ExportSettings], ExportController],
        tell: Callable[[str], object],
    ) -> None:
        """`make` makes the controller of an export.

        `tell` is told once of each change to an export that hanging calls keep from being applied.
        """
        self._caches = caches
        self._make = make
        self._tell = tell
        self._controllers: dict[str, ExportController] = {}
        self._retiring: dict[str, _Retiring] = {}
        self.wanted: tuple[ExportSettings, ...] = ()
        self._started = False

    def __iter__(self) -> Iterator[ExportController]:
        return iter(tuple(self._controllers.values()))

    def __getitem__(self, name: str) -> ExportController:
        return self._controllers[name]

    def start(self) -> None:
        """Starts all controllers, and from now on those that are added."""
        self._started = True
        for controller in self:
            controller.start()

    def apply(self, exports: Sequence[ExportSettings]) -> None:
        """Serves these exports from now on, and no others."""
        self.wanted = tuple(exports)
        wanted = {export.name: export for export in exports}
        with self._caches.together():
            self._caches.arrange(list(wanted))
            for name, controller in tuple(self._controllers.items()):
                if wanted.get(name) != controller.export:
                    self._retire(name, controller)
        self.turn()

    def turn(self) -> None:
        """Adds what is wanted, once the former controller of the same name has ended."""
        self._retiring = {
            name: one for name, one in self._retiring.items() if one.thread.is_alive()
        }
        for name in self._waiting():
            self._tell_if_it_hangs(name, self._retiring[name])
        new = [export for export in self.wanted if self._may_add(export.name)]
        if not new and self._is_arranged():
            return
        order = [export.name for export in self.wanted]
        with self._caches.together():
            for export in new:
                self._controllers[export.name] = self._make(export)
            self._caches.arrange(order)
        self._controllers = {name: self._controllers[name] for name in order if name in self}
        if self._started:
            self._start(new)
        for controller in self:
            controller.view.enqueue_claims()

    def not_served(self) -> list[str]:
        """Why exports that are configured are not served by any controller yet."""
        return [_why_not_served(name) for name in self._waiting()]

    def _waiting(self) -> list[str]:
        """The exports whose former controller has not ended."""
        wanted = [export.name for export in self.wanted]
        return [name for name in wanted if name in self._retiring and name not in self]

    def _tell_if_it_hangs(self, name: str, retiring: _Retiring) -> None:
        if not retiring.is_told and time.monotonic() - retiring.since > _HANGING:
            retiring.is_told = True
            _log.warning("export not served", export=name, reason=_why_not_served(name))
            self._tell(_why_not_served(name))

    def _may_add(self, name: str) -> bool:
        return name not in self._controllers and name not in self._retiring

    def __contains__(self, name: object) -> bool:
        return name in self._controllers

    def _is_arranged(self) -> bool:
        order = [export.name for export in self.wanted if export.name in self]
        return order == list(self._controllers)

    def _start(self, new: Sequence[ExportSettings]) -> None:
        for export in new:
            self[export.name].start()
            _log.info("export added", export=export.name, address=str(export.address))

    def _retire(self, name: str, controller: ExportController) -> None:
        """Ends a controller aside: a call that hangs holds up nobody else."""
        del self._controllers[name]
        controller.stop()
        self._caches.remove(controller.view)
        retiring = threading.Thread(
            target=controller.retire, args=(_WORK_IN_HAND,), name=f"retire-{name}", daemon=True
        )
        retiring.start()
        self._retiring[name] = _Retiring(retiring)
        _log.info("export removed", export=name, address=str(controller.export.address))


def _why_not_served(name: str) -> str:
    return (
        f"{title_of(name)}: it has changed, and is not served before the calls that were begun "
        "earlier have ended: repair the NFS server, or delete this pod"
    )
