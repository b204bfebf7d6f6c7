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
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Volume
from holdfast.claims.paths import components
from holdfast.exports import identity_file
from holdfast.exports.errors import Failed, TimedOut, WrongExport
from holdfast.exports.interface import ExportInfo
from holdfast.log import Logger

_log = Logger(__name__)


class Identity:
    """The export and the cluster that this process works for.

    Attributes:
        export_id: empty until this process has led once.
        cluster: the uid of the namespace kube-system; empty if it is not known.
    """

    def __init__(
        self,
        address: Address,
        volumes: Callable[[], Iterable[Volume]],
        has_directory: Callable[[str], bool],
        wrong: Callable[[str], object],
        tell_of_servers: Callable[[str], object],
    ) -> None:
        """Does not check anything yet.

        Args:
            address: where pods mount the export from.
            volumes: returns the volumes of our provisioner.
            has_directory: whether a path, relative to the export's root, exists on the mounted
                export; may raise ExportError.
            wrong: called once with what is wrong with the mounted export.
            tell_of_servers: called once with what to do about volumes that name another server.
        """
        self.export_id = ""
        self.cluster = ""
        self._address = address
        self._volumes = volumes
        self._has_directory = has_directory
        self._wrong = wrong
        self._tell_of_servers = tell_of_servers
        self._said = self._said_of_servers = ""

    def check(self, info: ExportInfo) -> None:
        """Raises WrongExport if this is not the expected export.

        Once this process has led, it knows the id and does not look at volumes.
        """
        if not self.export_id:
            self.check_all(info)
            return
        with self._said_once():
            identity_file.check(info, self.export_id)

    def check_all(self, info: ExportInfo) -> None:
        """Raises WrongExport if any volume was created on another export, ExportError if unknown.

        Once this process has led, the id is enough, and directories need not be there.
        """
        with self._said_once():
            if self.export_id:
                identity_file.check(info, self.export_id)
            refuse_another(info, self._volumes(), self._address, self._may_have)

    def elsewhere(self) -> Counter[str]:
        """By other server, how many volumes on this export name it."""
        return other_servers(self._volumes(), self.export_id, self._address)

    def warn_of_other_servers(self) -> None:
        """Warns about such volumes, once for each different advice."""
        advice = advice_on(self.elsewhere())
        if advice and advice != self._said_of_servers:
            _log.warning("volumes name another server", reason=advice)
            self._tell_of_servers(advice)
        self._said_of_servers = advice

    def _may_have(self, directory: str) -> bool:
        return bool(self.export_id) or self._has_directory(directory)

    @contextmanager
    def _said_once(self) -> Iterator[None]:
        try:
            yield
        except WrongExport as error:
            if error.message != self._said:
                self._said = error.message
                self._wrong(error.message)
            raise
        self._said = ""


def refuse_another(
    info: ExportInfo,
    volumes: Iterable[Volume],
    address: Address,
    has_directory: Callable[[str], bool],
) -> None:
    """Raises WrongExport if volumes were created on another export than this one.

    Args:
        info: the mounted export.
        volumes: the volumes of our provisioner.
        address: where pods mount the export from.
        has_directory: whether a path exists on the mounted export; may raise ExportError.
    """
    here = [one for one in volumes if is_at(one, address)]
    refuse_another_than_theirs(info, here)
    if missing := missing_directories(here, address, has_directory):
        raise WrongExport(_none_is_here(missing))


def missing_directories(
    volumes: Iterable[Volume], address: Address, has_directory: Callable[[str], bool]
) -> Sequence[str]:
    """The directories of volumes that cannot tell this export from another one.

    Empty if a volume names an export id, or one of the directories exists; so usually only one is
    looked for. Paths that no volume may have do not count, whatever is there.

    Raises:
        ExportError: `has_directory` raised it, and no other directory exists.
    """
    here = [one for one in volumes if is_at(one, address)]
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
        identity_file.check(info, min(ids))
    # Created before exports had an id, so at least records must exist.
    if before and not info.format:
        raise WrongExport(
            f"an export without any record is mounted here, but volume {before} was created on "
            "one: mount that one, or, if this one replaces it, run `holdfast exports accept`"
        )


def is_at(volume: Volume, address: Address) -> bool:
    """Whether a volume names this server, and a path on this export."""
    served = address.is_served_by(volume.server)
    return served and address.directory_of(volume.path) is not None


def other_servers(volumes: Iterable[Volume], export_id: str, address: Address) -> Counter[str]:
    """By other name of the server, how many volumes on an export use it; they are left alone."""
    if not export_id:
        return Counter()
    servers = (volume.server for volume in volumes if volume.export_id == export_id)
    return Counter(server for server in servers if not address.is_served_by(server))


def advice_on(servers: Counter[str]) -> str:
    """What to do about volumes that name their server differently; empty if there are none."""
    if not servers:
        return ""
    number, is_one = servers.total(), servers.total() == 1
    volumes = (
        "1 volume of this provisioner that is"
        if is_one
        else f"{number} volumes of this provisioner that are"
    )
    return (
        f"{volumes} on this export {'names' if is_one else 'name'} its server as "
        f"{', '.join(sorted(servers))}: add {'it' if len(servers) == 1 else 'them'} to "
        "HOLDFAST_NFS_SERVER_ALIASES (chart: serverAliases)"
    )
