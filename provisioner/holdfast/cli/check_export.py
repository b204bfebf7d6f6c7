"""The checks of the export in `holdfast check`: first its identity, then whether it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import Volume
from holdfast.claims.ownership import Ownership
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.claims.volume_address import advice_on, unknown_addresses
from holdfast.cli.check_line import Line
from holdfast.cli.naming_rules import Refusal

_DEADLINE = 10.0
_IDENTITY = "the export's id matches the volumes"
_RECORDS = "the directories are the ones in their records"
_ORIGIN = "the records are this cluster's"
_PRESENT = "every volume has its directory and its record"
_INHERITED = "every volume of nfs-subdir can be recorded"
_ADDRESS = "the volumes on the export use a known address of it"


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the API server says; its functions may raise KubeError.

    Attributes:
        provisioner: the one that is checked.
        volumes: all volumes, which are read once.
        volumes_now: reads all volumes again.
        refusal: returns, for an export's address, why volumes of nfs-subdir are not recorded.
        uid: reads the cluster's uid, which is empty if it may not be read.
    """

    provisioner: Provisioner
    volumes: Callable[[], Sequence[Volume]]
    volumes_now: Callable[[], Sequence[Volume]]
    uid: Callable[[], str]
    refusal: Callable[[Address], Refusal]

    def own_volumes(self) -> list[Volume]:
        """The provisioner's volumes."""
        return [one for one in self.volumes() if is_provisioned_by(one, self.provisioner)]


def lines(
    root: Path,
    ownership: Ownership,
    cluster: Cluster,
    address: Address | None,
) -> Iterator[Line]:
    """Checks that this is the volumes' export and, only if it is, that it can be used.

    Args:
        root: where the export is mounted.
        ownership: mode and owner of a new directory.
        cluster: whose volumes are on it.
        address: where pods mount the export from; None assumes that all volumes are on it.
    """
    from holdfast.exports.errors import ExportError, WrongExport
    from holdfast.kube.errors import KubeError

    yield from _file_system(root, address)
    try:
        yield from _identity(root, cluster.own_volumes(), address)
        yield from _compared(root, cluster, address)
    except KubeError as error:
        why = f"unknown, so nothing was written to it: cannot read the volumes ({error})"
        yield Line(_IDENTITY, why)
    except WrongExport as error:
        yield Line(_IDENTITY, error.message + ("" if address else _several()))
    except ExportError as error:
        yield Line(f"use the export at {root}", error.message)
    else:
        yield from _self_test(root, ownership)


def _file_system(root: Path, address: Address | None) -> Iterator[Line]:
    """A note if this may be the mount point of an export that is not mounted."""
    from holdfast.cli.file_system import file_system_at, is_it_mounted
    from holdfast.exports.deadline import Lane
    from holdfast.exports.errors import TimedOut

    with suppress(TimedOut):  # the next check says so
        found = Lane(seconds=_DEADLINE).call(lambda: file_system_at(root), f"cannot find {root}")
        what, question = is_it_mounted(root, found, address)
        if question:
            yield Line(what, question, is_note=True)


def _several() -> str:
    return "; if volumes are on several exports, give --nfs-server and --nfs-path"


def _identity(root: Path, volumes: Sequence[Volume], address: Address | None) -> Iterator[Line]:
    from holdfast.controller import export_id_check
    from holdfast.exports.deadline import Lane
    from holdfast.exports.export import Export

    what, export = f"cannot use the export at {root}", Export(root)
    lane = Lane(seconds=_DEADLINE)
    info = lane.call(export.inspect, what)
    if address is None:
        export_id_check.refuse_another_than_theirs(info, volumes)
        yield Line(_IDENTITY)
        return
    export_id_check.refuse_another(
        info, volumes, address, lambda place: lane.call(lambda: export.has_directory(place), what)
    )
    yield Line(_IDENTITY)
    unknown = unknown_addresses(volumes, info.id, address)
    yield Line(_ADDRESS, advice_on(unknown, address))


def _compared(root: Path, cluster: Cluster, address: Address | None) -> Iterator[Line]:
    """Whether the volumes' directories are there, and are those in their records."""
    from holdfast.cli import accept_report as report
    from holdfast.cli.compare_volumes import compare
    from holdfast.exports.errors import ExportError
    from holdfast.kube.errors import KubeError

    try:
        found = compare(root, cluster, address)
    except (KubeError, ExportError) as error:
        yield Line(_RECORDS, error.message)
        return
    yield Line(_RECORDS, _where(report.advice_on_another(found.another)))
    yield Line(_ORIGIN, _where(report.advice_on_another_cluster(found.of_another_cluster)))
    yield Line(_PRESENT, _where(report.advice_on_missing(found.missing)))
    if address:
        yield Line(_INHERITED, report.advice_on_refused(found.refused))


def _where(advice: str) -> str:
    return f"{advice}; `holdfast exports show -o wide` names them" if advice else ""


def _self_test(root: Path, ownership: Ownership) -> Iterator[Line]:
    from holdfast.exports.deadline import Lane
    from holdfast.exports.errors import ExportError
    from holdfast.exports.self_test import self_test

    done: list[str] = []
    try:
        Lane(seconds=_DEADLINE).call(
            lambda: done.extend(self_test(root, ownership)), f"cannot use the export at {root}"
        )
    except ExportError as error:
        yield from map(Line, done)
        yield Line(f"use the export at {root}", error.message)
    else:
        yield from (Line(f"{what} on the export") for what in done)
