"""What `holdfast check` finds out about the export; whose it is, before it is written to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from holdfast.claims.objects import Volume
from holdfast.claims.ownership import Ownership
from holdfast.claims.volume import Address
from holdfast.cli.finding import Line

_DEADLINE = 10.0
_IDENTITY = "the export is that of the volumes"
_SERVER = "the volumes on the export name its server as the provisioner does"


def lines(
    root: Path,
    ownership: Ownership,
    volumes: Callable[[], Sequence[Volume]],
    address: Address | None,
) -> Iterator[Line]:
    """Whether this is the export of the volumes and, only then, whether it can be used.

    Args:
        root: where it is mounted.
        ownership: what a new directory is given.
        volumes: reads those of the provisioner; may raise KubeError.
        address: where pods mount the export from; None takes all volumes to be on it.
    """
    from holdfast.exports.errors import ExportError, WrongExport
    from holdfast.kube.errors import KubeError

    try:
        yield from _identity(root, volumes(), address)
    except KubeError as error:
        why = f"not known, and nothing was written there: the volumes cannot be read ({error})"
        yield Line(_IDENTITY, why)
    except WrongExport as error:
        yield Line(_IDENTITY, error.message + ("" if address else _several()))
    except ExportError as error:
        yield Line(f"use the export at {root}", error.message)
    else:
        yield from _self_test(root, ownership)


def _several() -> str:
    return "; where volumes are on several exports, give --nfs-server and --nfs-path"


def _identity(root: Path, volumes: Sequence[Volume], address: Address | None) -> Iterator[Line]:
    from holdfast.controller import identity
    from holdfast.exports.deadline import Lane
    from holdfast.exports.export import Export

    info = Lane(seconds=_DEADLINE).call(Export(root).inspect, f"cannot use the export at {root}")
    if address is None:
        identity.refuse_another_than_theirs(info, volumes)
        yield Line(_IDENTITY)
        return
    identity.refuse_another(info, volumes, address)
    yield Line(_IDENTITY)
    others = identity.other_servers(volumes, info.id, address)
    yield Line(_SERVER, identity.advice_on(others))


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
