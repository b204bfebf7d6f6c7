"""What is seen of each claim: at the API server, and on the export."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from testbed.client import Client, Json

GONE: Final = "gone"
_CLASS_ANNOTATION: Final = "volume.beta.kubernetes.io/storage-class"


@dataclass(frozen=True, slots=True)
class Row:
    """One claim, also after it is gone.

    Attributes:
        claim: NAMESPACE/NAME.
        volume: its PersistentVolume's name; empty while it has none.
        phase: of the claim, of its volume once the claim is gone, GONE after both.
        size, access: what the claim got, and its first access mode.
        class_name: of its StorageClass.
        named: the directory's name, as the volume says.
        place: the name under which it is on the export now; empty when it is not.
        mode: its permission bits, in octal.
        content: of the first file in it, without white space at the ends.
    """

    claim: str
    volume: str = ""
    phase: str = ""
    size: str = ""
    access: str = ""
    class_name: str = ""
    named: str = ""
    place: str = ""
    mode: str = ""
    content: str = ""


class Rows:
    """The claims that were ever seen, in the order of their first sight."""

    def __init__(self, client: Client, export: Path) -> None:
        self._client = client
        self._export = export
        self._rows: dict[str, Row] = {}

    def look(self) -> None:
        """Take in everything as it is now; raises RequestError, or urllib3's HTTPError."""
        claims = {_key(claim): claim for claim in self._listed("persistentvolumeclaims")}
        volumes = {obj["metadata"]["name"]: obj for obj in self._listed("persistentvolumes")}
        for key in claims:
            self._rows.setdefault(key, Row(key))
        for key, row in self._rows.items():
            claimed = _with_claim(row, claims.get(key))
            named = _with_volume(claimed, volumes.get(claimed.volume), key in claims)
            self._rows[key] = self._with_directory(named)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __getitem__(self, claim: str) -> Row:
        return self._rows.get(claim, Row(claim, phase="not there"))

    def write(self, claim: str, name: str, content: str) -> None:
        """Put a file into a claim's directory, as its pod would."""
        (self._export / self._rows[claim].place / name).write_text(f"{content}\n")

    def _listed(self, plural: str) -> list[Json]:
        items: list[Json] = self._client.get(f"/api/v1/{plural}")["items"]
        return items

    def _with_directory(self, row: Row) -> Row:
        if not row.named:
            return row
        for place in (row.named, f"archived-{row.named}"):
            folder = self._export / place
            if folder.is_dir():
                mode = f"{folder.stat().st_mode & 0o7777:04o}"
                return replace(row, place=place, mode=mode, content=_content(folder))
        return replace(row, place="", mode="", content="")


def _key(claim: Json) -> str:
    return f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"


def _with_claim(row: Row, claim: Json | None) -> Row:
    if claim is None:
        return row
    spec, status = claim["spec"], claim["status"]
    annotated = claim["metadata"].get("annotations", {}).get(_CLASS_ANNOTATION)
    return replace(
        row,
        volume=spec.get("volumeName", ""),
        phase=status.get("phase", ""),
        size=status.get("capacity", {}).get("storage", ""),
        access=status.get("accessModes", [""])[0],
        class_name=annotated or spec.get("storageClassName", ""),
    )


def _with_volume(row: Row, volume: Json | None, claimed: bool) -> Row:  # noqa: FBT001 - private
    if volume is None:
        return row if claimed else replace(row, phase=GONE)
    named = volume["spec"]["nfs"]["path"].rpartition("/")[2]
    return replace(row, named=named, phase=row.phase if claimed else volume["status"]["phase"])


def _content(folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return files[0].read_text().strip() if files else ""
