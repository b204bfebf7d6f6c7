"""Checks whether the mounted export is the one that the volumes were created on.

Volumes name its id. Those that Holdfast has not recorded yet (inherited ones, or ones from before
exports had ids) name none: then at least one of their directories must exist on it.
Nothing on an export is changed before this check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import DEFAULT_EXPORT
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.claims.paths import components
from holdfast.claims.volume_address import (
    NamedAddress,
    advice_on,
    advice_on_no_export,
    are_all_at_another_path,
    is_beneath,
    on_no_export,
    unknown_addresses,
)
from holdfast.controller.export_commands import naming
from holdfast.exports import export_id_file
from holdfast.exports.errors import Failed, TimedOut, WrongExport
from holdfast.exports.interface import ExportInfo
from holdfast.log import Logger

_log = Logger(__name__)


class ExportIdCheck:
    """The export and the cluster that this process works for.

    Attributes:
        export_id: empty until this process has led once.
        cluster: the uid of the namespace kube-system; empty if it is not known.
        mounted_id: of the export that is mounted, if it may be the expected one; empty if it has
            none, or was not seen yet.
    """

    def __init__(
        self,
        address: Address,
        volumes: Callable[[str], Iterable[Volume]],
        has_directory: Callable[[str], bool],
        wrong: Callable[[str], object],
        tell_of_addresses: Callable[[str], object],
        *,
        addresses: Callable[[], Sequence[Address]] = tuple,
        name: str = DEFAULT_EXPORT,
        refuse_second: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Does not check anything yet.

        Args:
            address: where pods mount the export from.
            volumes: returns, of the volumes of our provisioner that no other export has, those that
                tell the export with an id from another; `ExportView.telling` has them.
            has_directory: whether a path, relative to the export's root, exists on the mounted
                export; may raise ExportError.
            wrong: called once with what is wrong with the mounted export.
            tell_of_addresses: called once with what to do about volumes that name another address.
            addresses: returns those of all exports; the first one tells of volumes on none.
            name: the export's, for the commands that messages advise.
            refuse_second: raises WrongExport if another export is to be served with this id.
        """
        self.export_id = ""
        self.cluster = ""
        self.mounted_id = ""
        self._address = address
        self._volumes = volumes
        self._has_directory = has_directory
        self._wrong = wrong
        self._tell_of_addresses = tell_of_addresses
        self._addresses = addresses
        self._name = name
        self._refuse_second = refuse_second
        self._said = self._said_of_addresses = ""

    def check(self, info: ExportInfo) -> None:
        """Raises WrongExport if this is not the expected export, or another one is the same.

        Once this process has led, it knows the id and does not look at volumes.
        """
        if not self.export_id:
            self.check_all(info)
            return
        with self._said_once(), self._noted(info):
            export_id_file.check(info, self.export_id)

    def check_all(self, info: ExportInfo) -> None:
        """Raises WrongExport if any volume was created on another export, ExportError if unknown.

        Once this process has led, the id is enough, and directories need not be there.
        """
        with self._said_once(), self._noted(info):
            if self.export_id:
                export_id_file.check(info, self.export_id)
            refuse_another(info, self._volumes(info.id), self._address, self._may_have)

    def unknown_addresses(self) -> int:
        """How many volumes on this export name another address, or are on no export."""
        return self._on_this_export().total() + self._on_no_export().total()

    def _on_this_export(self) -> Counter[NamedAddress]:
        return unknown_addresses(self._volumes(self.export_id), self.export_id, self._address)

    def _on_no_export(self) -> Counter[NamedAddress]:
        """By address; only volumes without an id: one with an id may be another Holdfast's."""
        addresses = self._addresses()
        if not addresses or addresses[0] != self._address:
            return Counter()
        return on_no_export((one for one in self._volumes("") if not one.export_id), addresses)

    def warn_of_unknown_addresses(self) -> None:
        """Warns about such volumes, once for each different advice."""
        here = advice_on(self._on_this_export(), self._address)
        elsewhere = advice_on_no_export(self._on_no_export(), self._addresses())
        advice = "; ".join(filter(None, (here, elsewhere)))
        if advice and advice != self._said_of_addresses:
            _log.warning("volumes name another address", reason=advice)
            self._tell_of_addresses(advice)
        self._said_of_addresses = advice

    def _may_have(self, directory: str) -> bool:
        return bool(self.export_id) or self._has_directory(directory)

    @contextmanager
    def _noted(self, info: ExportInfo) -> Iterator[None]:
        """Notes the id of an export that the block does not refuse, as others are refused by it."""
        try:
            yield
        except WrongExport:
            self.mounted_id = ""
            raise
        self.mounted_id = info.id
        if info.id:
            self._refuse_second(info.id)

    @contextmanager
    def _said_once(self) -> Iterator[None]:
        try:
            with naming(self._name):
                yield
        except WrongExport as error:
            if error.message != self._said:
                self._said = error.message
                self._wrong(error.message)
            raise
        self._said = ""


def listed_twice(names: Sequence[str], export_id: str) -> str:
    """What to do about exports of the file that have the same id."""
    return (
        f"exports {' and '.join(names)} are the same export, {export_id}: list it once, with the "
        "other names and addresses of its server in serverAliases"
    )


def refuse_another(
    info: ExportInfo,
    volumes: Iterable[Volume],
    address: Address,
    has_directory: Callable[[str], bool],
) -> None:
    """Raises WrongExport if volumes were created on another export than this one.

    Or if they are on this one, but at another path: no pod could mount a new one.

    Args:
        info: the mounted export.
        volumes: the volumes of our provisioner.
        address: where pods mount the export from.
        has_directory: whether a path exists on the mounted export; may raise ExportError.
    """
    own = list(volumes)
    refuse_another_path(info, own, address)
    here = [one for one in own if is_beneath(one, address)]
    refuse_another_than_theirs(info, here)
    if missing := missing_directories(here, address, has_directory):
        raise WrongExport(_none_is_here(missing))


def refuse_another_path(info: ExportInfo, volumes: Sequence[Volume], address: Address) -> None:
    """Raises WrongExport if this export has volumes, and all of them name another path for it."""
    unknown = unknown_addresses(volumes, info.id, address)
    if are_all_at_another_path(volumes, unknown, address):
        raise WrongExport(advice_on(unknown, address))


def missing_directories(
    volumes: Iterable[Volume], address: Address, has_directory: Callable[[str], bool]
) -> Sequence[str]:
    """The directories of volumes that cannot tell this export from another one.

    Empty if a volume names an export id, or one of the directories exists; so usually only one is
    looked for. Paths that no volume may have do not count, whatever is there.

    Raises:
        ExportError: `has_directory` raised it, and no other directory exists.
    """
    here = [one for one in volumes if is_beneath(one, address)]
    if any(one.export_id for one in here):
        return ()
    places = [address.directory_of(one.path) or "" for one in here]
    places = [place for place in places if _is_allowed(place)]
    return () if _exists_any(places, has_directory) else places


def _is_allowed(directory: str) -> bool:
    try:
        components(directory)
    except Refused:
        return False
    return True


def _exists_any(directories: Iterable[str], has_directory: Callable[[str], bool]) -> bool:
    """One directory that cannot be looked at does not hold up the others' answer."""
    failed = None
    for directory in directories:
        try:
            if has_directory(directory):
                return True
        except TimedOut:
            raise
        except Failed as error:
            failed = error
    if failed:
        raise failed
    return False


def _none_is_here(directories: Sequence[str]) -> str:
    if len(directories) == 1:
        what, lost = f"the only volume's directory, {directories[0]!r}, is not here", "it is"
    else:
        what, lost = f"none of the {len(directories)} volumes' directories is here", "they are"
    return (
        f"{what}: mount their export, or, if {lost} lost, run `holdfast exports accept "
        "--allow-empty`"
    )


def refuse_another_than_theirs(info: ExportInfo, volumes: Iterable[Volume]) -> None:
    """Raises WrongExport if the volumes name ids, and none of them is this export's."""
    ids, before = set[str](), ""
    for volume in volumes:
        ids.add(volume.export_id)
        before = before or (volume.name if volume.directory and not volume.export_id else "")
    ids.discard("")
    if ids and info.id not in ids:
        export_id_file.check(info, min(ids))
    # Created before exports had an id, so at least records must exist.
    if before and not info.format:
        raise WrongExport(
            f"an export without any record is mounted here, but volume {before} was created on "
            "one: mount that one, or, if this one replaces it, run `holdfast exports accept`"
        )
