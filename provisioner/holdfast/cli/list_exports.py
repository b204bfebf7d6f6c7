"""The list of `holdfast exports`: how each export is, as its leader says in its Lease."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from holdfast.claims import constants
from holdfast.claims.decide import DEFAULT_EXPORT, Provisioner
from holdfast.cli.leader import annotations_of, provisioners_of, seen
from holdfast.cli.table import print_table, span, table_of
from holdfast.controller.export_state import REMOVED, SERVING
from holdfast.controller.settings import ExportSettings, own_namespace

if TYPE_CHECKING:
    from holdfast.cli.leader import Seen
    from holdfast.kube.api import Api
    from holdfast.kube.resources import Json

Number = TypeVar("Number", int, float)

_TOO_LARGE = 10**15

_BY_NAME = (
    "to read the Leases by their names, give --provisioner-name, and --config for several exports"
)
_COLUMNS = ("name", "address", "leader", "state", "volumes", "trash", "latency")


@dataclass(frozen=True, slots=True)
class Row:
    """One export, as in the JSON output.

    Attributes:
        lease: the name of its Lease; empty if there is none.
        leader: the replica that leads; empty if none does, and then all below is old.
        state: "serving" or another word of `export_state`; empty if no leader has said.
        reason: why it is not served; empty if it is, or is not known.
        trash: volumes, oldest_seconds, blocked.
        blocked_by: why one of the blocked volumes cannot be removed.
        latency_seconds: of the last probe of the export; null if it failed.
        probed: when that was.
        renewed: when the leader last said so.
    """

    provisioner: str
    name: str
    namespace: str
    lease: str
    address: str
    leader: str = ""
    state: str = ""
    reason: str = ""
    volumes: int | None = None
    trash: Mapping[str, int] | None = None
    blocked_by: str = ""
    latency_seconds: float | None = None
    probed: str | None = None
    renewed: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether it is served, or is not configured any more, which needs no leader."""
        return self.state == SERVING if self.leader else self.state == REMOVED

    def cells(self) -> Iterator[str]:
        """The texts of the columns."""
        yield self.name
        yield self.address or "-"
        yield self.leader or "-"
        yield self.shown_state
        yield "-" if self.volumes is None else str(self.volumes)
        yield self._trash()
        yield self._latency()

    @property
    def shown_state(self) -> str:
        """The state, or that nobody leads: then the state is old."""
        if self.leader:
            return self.state or "unknown"
        return REMOVED if self.state == REMOVED else "no-leader"

    @property
    def why(self) -> str:
        """Why it is not served, for the line beneath the table; empty if the state says it."""
        if self.leader:
            return self.reason if self.state else "its leader does not report a state"
        if self.state == REMOVED:
            return ""
        if not self.state:
            what = "no replica has reported a state" if self.lease else "it has no Lease"
            return f"{what}: does a provisioner run, with leader election?"
        return f"it was {self.state}" + (f": {self.reason}" if self.reason else "")

    def _trash(self) -> str:
        if self.trash is None:
            return "-"
        volumes = self.trash.get("volumes", 0)
        said = [f"oldest {span(self.trash.get('oldest_seconds', 0))}"] if volumes else []
        said += [f"{blocked} blocked"] if (blocked := self.trash.get("blocked")) else []
        return f"{volumes} ({', '.join(said)})" if said else str(volumes)

    def _latency(self) -> str:
        latency = self.latency_seconds
        if latency is None:
            return "-"
        return f"{latency:.3g} s" if latency >= 1 else f"{latency * 1000:.3g} ms"


def list_exports(
    kubeconfig: str | None,
    provisioner: str | None,
    exports: Sequence[ExportSettings],
    namespace: str,
    output: str,
) -> None:
    """Prints the exports; raises SystemExit where one is not well."""
    from holdfast.cli.cluster import api_of
    from holdfast.kube.errors import KubeError

    try:
        rows = rows_of(api_of(kubeconfig), provisioner, exports, namespace)
    except KubeError as error:
        raise click.ClickException(error.message) from error
    if output == "json":
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
    elif rows:
        _print_table(rows)
    else:
        click.echo("no export has a Lease: does a provisioner run, with leader election?", err=True)
    if not rows or not all(row.is_well for row in rows):
        raise SystemExit(1)


def _print_table(rows: Sequence[Row]) -> None:
    lines = [list(row.cells()) for row in rows]
    columns = list(_COLUMNS)
    if len({row.provisioner for row in rows}) > 1:
        columns.append("provisioner")
        lines = [[*line, row.provisioner] for line, row in zip(lines, rows, strict=True)]
    print_table(table_of(columns, lines))
    reasons = [f"{row.name}, {row.shown_state}: {row.why}" for row in rows if row.why]
    reasons += [f"{row.name}, trash blocked: {row.blocked_by}" for row in rows if row.blocked_by]
    if reasons:
        click.echo("\n" + "\n".join(reasons))


def rows_of(
    api: Api, provisioner: str | None, exports: Sequence[ExportSettings], namespace: str
) -> list[Row]:
    """A row for each of the exports, or where none are given, for each that has a Lease.

    Args:
        api: raises KubeError; where Leases may be neither listed nor named, it is a ClickException.
        provisioner: None for the exports of all provisioners.
        exports: of this provisioner, where they are known.
        namespace: where the Leases are; all namespaces if empty.
    """
    known = _known(provisioner, exports)
    leases = (one for one in _leases(api, known, namespace) if _serves(one, provisioner))
    rows = [_row(one, provisioner, known) for one in seen(api, leases)]
    if exports:
        rows = [row for row in rows if row.lease in known]
        rows += _without_lease(provisioner or "", exports, {row.name for row in rows})
    return sorted(rows, key=lambda row: (row.provisioner, row.name, row.namespace))


def _known(
    provisioner: str | None, exports: Sequence[ExportSettings]
) -> Mapping[str, ExportSettings | None]:
    """The exports by the names of their Leases, as far as these are known beforehand."""
    if provisioner is None:
        return {}
    lease_of = Provisioner(provisioner).lease_of
    if not exports:
        return {lease_of(DEFAULT_EXPORT): None}
    return {lease_of(export.name): export for export in exports}


def _leases(api: Api, known: Mapping[str, ExportSettings | None], namespace: str) -> Iterator[Json]:
    """The Leases of exports; where they may not be listed, those whose names are known."""
    from holdfast.kube.errors import Forbidden
    from holdfast.kube.resources import LEASES

    try:
        listed = [obj for page in api.pages(LEASES, namespace=namespace) for obj in page.items]
    except Forbidden as error:
        listed = list(_named(api, known, namespace or own_namespace()))
        if not listed and not any(known.values()):
            raise click.ClickException(f"{error.message}; {_BY_NAME}") from error
    for lease in listed:
        if constants.PROVISIONER in annotations_of(lease) or lease["metadata"]["name"] in known:
            yield lease


def _serves(lease: Json, provisioner: str | None) -> bool:
    """Whether a lease's holder serves a provisioner's name; true if it does not say which."""
    served = provisioners_of(lease)
    return provisioner is None or not served or provisioner in served


def _named(api: Api, names: Iterable[str], namespace: str) -> Iterator[Json]:
    from holdfast.kube.errors import NotFound
    from holdfast.kube.resources import LEASES

    for name in names:
        with suppress(NotFound):
            yield api.get(LEASES, name, namespace)


def _row(found: Seen, provisioner: str | None, known: Mapping[str, ExportSettings | None]) -> Row:
    lease, annotations = found.lease, annotations_of(found.lease)
    metadata, said = lease["metadata"], _said(annotations.get(constants.STATE, ""))
    export = known.get(metadata["name"])
    return Row(
        provisioner=_text(annotations.get(constants.PROVISIONER, provisioner)),
        name=_text(
            annotations.get(constants.EXPORT_NAME, export.name if export else DEFAULT_EXPORT)
        ),
        namespace=metadata["namespace"],
        lease=metadata["name"],
        address=_text(annotations.get(constants.ADDRESS, str(export.address) if export else "")),
        leader=_text(found.leader),
        state=_text(said.get("state")),
        reason=_text(said.get("reason")),
        volumes=_number(said.get("volumes"), int),
        trash=_trash(said.get("trash")),
        blocked_by=_blocked_by(said.get("trash")),
        latency_seconds=_number(said.get("latency_seconds"), float),
        probed=_text(said.get("probed")) or None,
        renewed=_text((lease.get("spec") or {}).get("renewTime")) or None,
    )


def _without_lease(
    provisioner: str, exports: Sequence[ExportSettings], there: Collection[str]
) -> Iterator[Row]:
    for export in exports:
        if export.name not in there:
            yield Row(provisioner, export.name, "", "", str(export.address))


def _said(text: str) -> Mapping[str, Any]:
    """The state that a leader has written; empty if it is none."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _trash(given: Any) -> Mapping[str, int] | None:
    if not isinstance(given, dict):
        return None
    numbers = {name: _number(number, int) for name, number in given.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _blocked_by(given: Any) -> str:
    return _text(given.get("why")) if isinstance(given, dict) else ""


def _number(given: Any, kind: type[Number]) -> Number | None:
    """A number of a size that a leader writes; None for anything else, as for NaN."""
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return kind(given) if is_number and 0 <= given < _TOO_LARGE else None


def _text(given: Any) -> str:
    """A text for a terminal: whoever may annotate a Lease may have written it."""
    text = given if isinstance(given, str) else ""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
