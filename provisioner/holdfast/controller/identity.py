"""Is this the export that volumes were made on? Decided before anything is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import structlog

from holdfast.claims.objects import Volume
from holdfast.claims.volume import Address
from holdfast.exports import identity
from holdfast.exports.errors import WrongExport
from holdfast.exports.interface import ExportInfo

_log = structlog.get_logger()


class Identity:
    """Which export and which cluster this process has found itself to work for.

    Attributes:
        export_id: empty until this process has led once.
        cluster: the uid of the namespace kube-system; empty where that is not known.
    """

    def __init__(
        self,
        address: Address,
        volumes: Callable[[], Iterable[Volume]],
        wrong: Callable[[str], object],
        tell_of_servers: Callable[[str], object],
    ) -> None:
        """Finds nothing out yet.

        Args:
            address: where pods mount the export from.
            volumes: gives those of our provisioner.
            wrong: is told once what is wrong with the export that is mounted.
            tell_of_servers: is told once what to do about volumes that name another server.
        """
        self.export_id = ""
        self.cluster = ""
        self._address = address
        self._volumes = volumes
        self._wrong = wrong
        self._tell_of_servers = tell_of_servers
        self._said = self._said_of_servers = ""

    def check(self, info: ExportInfo) -> None:
        """Raises WrongExport for another export than the one that is meant.

        Once this process has led, it knows the id and looks at no volume for it.
        """
        if not self.export_id:
            self.check_all(info)
            return
        with self._said_once():
            identity.check(info, self.export_id)

    def check_all(self, info: ExportInfo) -> None:
        """Raises WrongExport where any volume was made on another export."""
        with self._said_once():
            if self.export_id:
                identity.check(info, self.export_id)
            refuse_another(info, self._volumes(), self._address)

    def elsewhere(self) -> Counter[str]:
        """How many volumes on this export name which other server."""
        return other_servers(self._volumes(), self.export_id, self._address)

    def warn_of_other_servers(self) -> None:
        """Says, once as long as it stays the same, what to do about such volumes."""
        advice = advice_on(self.elsewhere())
        if advice and advice != self._said_of_servers:
            _log.warning("volumes name another server", reason=advice)
            self._tell_of_servers(advice)
        self._said_of_servers = advice

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


def refuse_another(info: ExportInfo, volumes: Iterable[Volume], address: Address) -> None:
    """Raises WrongExport where volumes were made on another export than this one.

    Args:
        info: which export it is.
        volumes: those of our provisioner.
        address: where pods mount the export from.
    """
    refuse_another_than_theirs(info, (one for one in volumes if is_at(one, address)))


def refuse_another_than_theirs(info: ExportInfo, volumes: Iterable[Volume]) -> None:
    """Raises WrongExport where this is the export of none of these volumes."""
    ids, before = set[str](), ""
    for volume in volumes:
        ids.add(volume.export_id)
        before = before or (volume.name if volume.directory and not volume.export_id else "")
    ids.discard("")
    if ids and info.id not in ids:
        identity.check(info, min(ids))
    # Made before exports had an id, so there must be records at least.
    if before and not info.format:
        raise WrongExport(
            f"an export without any record is mounted here, but volume {before} was made on one: "
            "mount that one, or, if this is to take its place, run `holdfast exports accept`"
        )


def is_at(volume: Volume, address: Address) -> bool:
    """Whether a volume names this server, and a path on this export."""
    served = address.is_served_by(volume.server)
    return served and address.directory_of(volume.path) is not None


def other_servers(volumes: Iterable[Volume], export_id: str, address: Address) -> Counter[str]:
    """By which other names how many volumes on an export know its server: they are left alone."""
    if not export_id:
        return Counter()
    servers = (volume.server for volume in volumes if volume.export_id == export_id)
    return Counter(server for server in servers if not address.is_served_by(server))


def advice_on(servers: Counter[str]) -> str:
    """What to do about volumes that name their server otherwise; empty where there are none."""
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
        "HOLDFAST_NFS_SERVER_ALIASES (chart: nfs.serverAliases)"
    )
