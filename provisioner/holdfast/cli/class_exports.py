"""StorageClasses whose claims are served from another export than the volumes that they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import StorageClass, Volume
from holdfast.claims.volume_address import is_beneath
from holdfast.cli.check_line import Line
from holdfast.cli.export_ids import counted
from holdfast.controller.settings import ExportSettings


def elsewhere(
    classes: Iterable[StorageClass],
    volumes: Iterable[Volume],
    exports: Sequence[ExportSettings],
    provisioner: Provisioner,
) -> Iterator[Line]:
    """A note for each such class: after a switch, it may only lack the parameter `export`."""
    found = _exports_by_class(volumes, exports)
    for one in classes:
        serves = provisioner.export_of(one)
        numbers = found.get(one.name, Counter())
        if others := {name: numbers[name] for name in numbers if name != serves}:
            yield Line(_what(one.name, serves, others), _advice(others), is_note=True)


def _exports_by_class(
    volumes: Iterable[Volume], exports: Sequence[ExportSettings]
) -> Mapping[str, Counter[str]]:
    """How many volumes of each class each export has."""
    found: dict[str, Counter[str]] = {}
    for volume in volumes:
        for export in exports:
            if is_beneath(volume, export.address):
                found.setdefault(volume.class_name, Counter())[export.name] += 1
    return found


def _what(name: str, serves: str, others: Mapping[str, int]) -> str:
    there = " and ".join(
        f"{counted(number, 'volume')} on {other}" for other, number in sorted(others.items())
    )
    return f"StorageClass {name!r} is served from export {serves}, and has {there}"


def _advice(others: Mapping[str, int]) -> str:
    export = max(others, key=lambda one: others[one])
    return (
        "new claims get their directory on the export that serves the class: if that is not meant, "
        f"create the class again with the parameter `export: {export}`"
    )
