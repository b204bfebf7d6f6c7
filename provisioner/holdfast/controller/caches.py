"""What is known of the cluster, read once for all exports: claims, StorageClasses, volumes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from operator import attrgetter
from typing import Protocol

from holdfast.claims import expansion
from holdfast.claims.build_volume import Address
from holdfast.claims.decide import DEFAULT_EXPORT, Provisioner, volume_name
from holdfast.claims.objects import (
    Claim,
    StorageClass,
    Volume,
    parse_claim,
    parse_class,
    parse_volume,
)
from holdfast.claims.paths import parents_of
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.controller.placement import Placement
from holdfast.controller.volume_groups import Group, group_elsewhere, group_of
from holdfast.kube.api import Api
from holdfast.kube.reflector import Reflector
from holdfast.kube.resources import CLAIMS, CLASSES, VOLUMES, Json
from holdfast.kube.store import Store

AT = "at"
BENEATH = "beneath"
GROUP = "group"
OF_CLASS = "class"
OF_VOLUME = "volume"


class View(Protocol):
    """What one export makes of the changes; `name` tells it from the others."""

    @property
    def name(self) -> str:
        """Unique among the views, without NUL, which `place_in` puts after it."""

    @property
    def address(self) -> Address:
        """Where pods mount the export from."""

    def export_id(self) -> str:
        """The export's id; empty until it is known."""

    def mounted_id(self) -> str:
        """The id of the export that is mounted, also if this process has not led it."""

    def claim_changed(self, key: str) -> None:
        """A pending claim is new or has changed, or a claim is not pending any more."""

    def class_changed(self, name: str) -> None:
        """A StorageClass is new, has changed or is gone."""

    def volume_changed(self, name: str) -> None:
        """A volume is new, has changed or is gone."""


class Caches:
    """Three reflectors and their stores; each change is handed to the views of all exports."""

    def __init__(self, api: Api, provisioner: Provisioner, postpone: Callable[[], object]) -> None:
        """`postpone` is called for every change of a pending claim, its binding too."""
        self._provisioner = provisioner
        self._postpone = postpone
        self._views: tuple[View, ...] = ()
        self._names: tuple[str, ...] = ()
        self._next_views: tuple[View, ...] = ()
        self._placement: Placement[View] = Placement(self._views)
        self._together = 0  # `together`, one within the other
        self._incomplete: list[threading.Event] = []
        self.claims: Store[Claim] = Store(
            {
                OF_CLASS: lambda claim: [claim.class_name],
                OF_VOLUME: lambda claim: [volume_name(claim.ref)],
            }
        )
        self.classes: Store[StorageClass] = Store()
        self.volumes: Store[Volume] = Store(
            {
                AT: self._places,
                BENEATH: self._above,
                GROUP: self._group,
                OF_CLASS: _class_of_inherited,
            },
            self._exports_of,
            _indexed_by,
        )
        self.reflectors: tuple[Reflector[Claim], Reflector[StorageClass], Reflector[Volume]] = (
            Reflector(api, CLAIMS, self.claims, self._claim_of_interest, self._claim_changed),
            Reflector(api, CLASSES, self.classes, parse_class, self._class_changed),
            Reflector(api, VOLUMES, self.volumes, self._of_interest, self._volume_changed),
        )

    @property
    def synced(self) -> bool:
        """Whether all three lists were read once."""
        return all(reflector.synced.is_set() for reflector in self.reflectors)

    def start(self) -> None:
        """Begins to read; the API server may be away for now."""
        for reflector in self.reflectors:
            reflector.start()

    def stop(self) -> None:
        """Ends reading."""
        for reflector in self.reflectors:
            reflector.stop()

    def add(self, view: View) -> threading.Event:
        """Tells the view of every change from now on.

        The event is set once all volumes that may concern the view have been read.
        """
        is_complete = threading.Event()
        with self.together():
            self._next_views = (*self._next_views, view)
            self._incomplete.append(is_complete)
        return is_complete

    def remove(self, view: View) -> None:
        """Tells the view of no change any more; its volumes are the first view's from now on."""
        with self.together():
            self._next_views = tuple(one for one in self._next_views if one is not view)

    def arrange(self, names: Sequence[str]) -> None:
        """Names the exports from now on: the first serves classes that name none.

        One that has no view yet serves nothing, and no other serves its classes meanwhile.
        """
        self._names = tuple(names)
        place = {name: number for number, name in enumerate(names)}
        with self.together():
            views = sorted(self._next_views, key=lambda view: place.get(view.name, len(place)))
            self._next_views = tuple(views)

    @property
    def views(self) -> tuple[View, ...]:
        """The views that are told of changes, the first as in `names`."""
        return self._views

    @contextmanager
    def together(self) -> Iterator[None]:
        """Has `add`, `remove` and `arrange` take effect at the end: to index all volumes costs.

        All of these are called by one thread.
        """
        self._together += 1
        try:
            yield
        finally:
            self._together -= 1
            if not self._together:
                self._change_views()

    def _change_views(self) -> None:
        if self._next_views != self._views:
            self.volumes.reindex(self._set_views)
        if self._incomplete:
            self.reflectors[2].relist(*self._incomplete)
            self._incomplete.clear()

    def names(self) -> tuple[str, ...]:
        """The names of the exports, that of classes that name none first."""
        return self._names or tuple(view.name for view in self._views)

    def addresses(self) -> tuple[Address, ...]:
        """The addresses of the exports, in the order of their names."""
        return tuple(view.address for view in self._views)

    def _set_views(self) -> None:
        self._views = self._next_views
        self._placement = Placement(self._views)

    def owner_of(self, export_id: str) -> View | None:
        """The view of the export of this id that is to be served, where several are the same.

        One with volumes at its address, or else the first.
        """
        same = [view for view in self._views if view.mounted_id() == export_id]
        return min(same, key=lambda view: not self.volumes.count(view.name), default=None)

    def view_of(self, volume: Volume) -> View | None:
        """The view of the export that a volume of ours is on.

        That is where its server and path lead; else where its export id was found, for the server
        may have another name; else the first view, which says of it that it is nowhere.
        """
        return self.placed_by(volume) or self._view_elsewhere(volume.export_id)

    def view_of_group(self, group: Group) -> View | None:
        """The view of the export that a group's volumes are on, as `view_of` has it."""
        at = (view for view in self._views if view.name == group.export)
        return next(at, None) or self._view_elsewhere(group.export_id)

    def groups(self) -> list[Group]:
        """The groups that have volumes; `GROUP` finds these."""
        return [one for one in self.volumes.values_of(GROUP) if isinstance(one, Group)]

    def _view_elsewhere(self, export_id: str) -> View | None:
        """The view of a volume that is at no export's address."""
        views = self._views
        by_id = (view for view in views if export_id and export_id == view.export_id())
        return next(itertools.chain(by_id, views), None)

    def placed_by(self, volume: Volume) -> View | None:
        """The view of the export at whose address a volume is."""
        return next((view for view, _ in self._placement.of(volume)), None)

    def places_of(self, volume: Volume) -> Iterator[tuple[View, str]]:
        """The views of the exports that a volume is on, and its directory on each."""
        for view, place in self._placement.of(volume):
            # Not one string twice: indexes keep it.
            yield view, volume.directory if place == volume.directory else place

    def update_from_response(self, obj: Json) -> Volume:
        """Updates the cache from a response, before the watch event, which then changes nothing.

        Not if the last finalizer was removed from a deleted volume: that event is to change it.
        """
        volume = parse_volume(obj)
        is_gone = volume.deleting and not volume.finalizers
        if not is_gone and self.volumes.apply(volume.name, int(volume.version), volume):
            self._volume_changed(volume.name)
        return volume

    def _claim_of_interest(self, obj: Json) -> Claim | None:
        """A claim that is pending, or that asks for more than its volume has."""
        claim = parse_claim(obj)
        if expansion.is_asked(claim):
            return claim
        ours = self._provisioner.answers_to(claim.provisioner)
        return claim if ours and not claim.volume_name else None

    def _of_interest(self, obj: Json) -> Volume | None:
        volume = parse_volume(obj)
        is_ours = is_provisioned_by(volume, self._provisioner)
        return volume if is_ours or self.placed_by(volume) else None

    def _places(self, volume: Volume) -> Iterator[str]:
        for view, place in self.places_of(volume):
            yield place_in(view.name, place)

    def _above(self, volume: Volume) -> Iterator[str]:
        for view, place in self.places_of(volume):
            for directory in parents_of(place):
                yield place_in(view.name, directory)

    def _exports_of(self, volume: Volume) -> Iterator[str]:
        """The export at whose address a volume of ours is."""
        if is_provisioned_by(volume, self._provisioner):
            yield from (view.name for view, _ in self.places_of(volume))

    def _group(self, volume: Volume) -> Iterator[Group]:
        if is_provisioned_by(volume, self._provisioner):
            view = self.placed_by(volume)
            yield group_of(volume, view.name, view.address) if view else group_elsewhere(volume)

    def _claim_changed(self, key: str) -> None:
        self._postpone()
        for view in self._views:
            view.claim_changed(key)

    def _class_changed(self, name: str) -> None:
        for view in self._views:
            view.class_changed(name)

    def _volume_changed(self, name: str) -> None:
        for view in self._views:
            view.volume_changed(name)


# No index has these, and they change most: such a change needs no new look at the exports.
_NOT_INDEXED = {"version", "phase", "finalizers", "deleting"}
_indexed_by = attrgetter(*(one.name for one in fields(Volume) if one.name not in _NOT_INDEXED))


def _class_of_inherited(volume: Volume) -> list[str]:
    """The class whose rules name a volume's directory; none where an annotation names it."""
    return [] if volume.directory else [volume.class_name]


def place_in(view: str, directory: str) -> str:
    """The value of the indexes `AT` and `BENEATH` for a directory of an export.

    That of the usual view is the directory itself, which is in memory anyway.
    """
    return directory if view == DEFAULT_EXPORT else f"{view}\0{directory}"
