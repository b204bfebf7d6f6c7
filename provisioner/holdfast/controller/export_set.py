"""The controllers of all exports, kept in line with what is configured while the process runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from holdfast.controller.caches import Caches
from holdfast.controller.export_controller import ExportController
from holdfast.controller.settings import ExportSettings
from holdfast.log import Logger

_log = Logger(__name__)

_WORK_IN_HAND = 5.0  # seconds that the work of an export has to end that is not served any more


class ExportSet:
    """Starts and ends controllers; `apply` and `turn` are called by one thread.

    Attributes:
        wanted: the exports that are configured now.
    """

    def __init__(self, caches: Caches, make: Callable[[ExportSettings], ExportController]) -> None:
        """`make` makes the controller of an export."""
        self._caches = caches
        self._make = make
        self._controllers: dict[str, ExportController] = {}
        self._retiring: dict[str, threading.Thread] = {}
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
        self._caches.arrange([export.name for export in exports])
        wanted = {export.name: export for export in exports}
        for name, controller in tuple(self._controllers.items()):
            if wanted.get(name) != controller.export:
                self._retire(name, controller)
        self.turn()

    def turn(self) -> None:
        """Adds what is wanted, once the former controller of the same name has ended."""
        self._retiring = {name: one for name, one in self._retiring.items() if one.is_alive()}
        new = [export for export in self.wanted if self._may_add(export.name)]
        if not new and self._is_arranged():
            return
        for export in new:
            self._add(export)
        order = [export.name for export in self.wanted]
        self._caches.arrange(order)
        self._controllers = {name: self._controllers[name] for name in order if name in self}
        for controller in self:
            controller.view.enqueue_claims()

    def _may_add(self, name: str) -> bool:
        return name not in self._controllers and name not in self._retiring

    def __contains__(self, name: object) -> bool:
        return name in self._controllers

    def _is_arranged(self) -> bool:
        order = [export.name for export in self.wanted if export.name in self]
        return order == list(self._controllers)

    def _add(self, export: ExportSettings) -> None:
        controller = self._controllers[export.name] = self._make(export)
        if self._started:
            controller.start()
            _log.info("export added", export=export.name, address=str(export.address))

    def _retire(self, name: str, controller: ExportController) -> None:
        """Ends a controller aside: a call that hangs holds up nobody else."""
        del self._controllers[name]
        controller.stop()
        self._caches.remove(controller.view)
        retiring = threading.Thread(
            target=controller.retire, args=(_WORK_IN_HAND,), name=f"retire-{name}", daemon=True
        )
        self._retiring[name] = retiring
        retiring.start()
        _log.info("export removed", export=name, address=str(controller.export.address))
