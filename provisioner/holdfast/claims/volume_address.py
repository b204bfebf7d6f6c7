"""The address by which a volume names its export, and what to do where it is not the export's own.

A volume has a server and the path of its directory. The path of the export is what is left of it
without the directory, which Holdfast's annotation names, or nfs-subdir's default name gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from holdfast.claims.build_volume import Address
from holdfast.claims.constants import ALIASES, PATH
from holdfast.claims.objects import Volume
from holdfast.claims.paths import cleaned, directory_name


@dataclass(frozen=True, slots=True, order=True)
class NamedAddress:
    """A server and the path of an export, or, where that cannot be told, of a volume."""

    server: str
    path: str
    is_root: bool = True

    def __str__(self) -> str:
        return f"{self.server}:{self.path}"


def root_of(volume: Volume) -> str | None:
    """The path of the export that a volume names; None where it cannot be told."""
    path, directory = cleaned(volume.path), cleaned(volume.directory or _default_name(volume))
    if not path or not directory or not volume.path.startswith("/"):
        return None
    if path == directory:
        return "/"
    return "/" + path.removesuffix(f"/{directory}") if path.endswith(f"/{directory}") else None


def _default_name(volume: Volume) -> str:
    return directory_name(volume.claim.namespace, volume.claim.name, volume.name)


def is_beneath(volume: Volume, address: Address) -> bool:
    """Whether a volume names this server, and a path on this export."""
    return address.is_served_by(volume.server) and address.directory_of(volume.path) is not None


def names(volume: Volume, address: Address) -> bool:
    """Whether a volume names this export, and not one above or beneath it."""
    return is_beneath(volume, address) and unknown_address(volume, address) is None


def unknown_address(volume: Volume, address: Address) -> NamedAddress | None:
    """The address that a volume names instead of this one; None if it names this one.

    None also for a path with `..`, which is refused on its own.
    """
    if cleaned(volume.path) is None:
        return None
    root = root_of(volume)
    if root is None:
        named = NamedAddress(volume.server, volume.path, is_root=False)
        return None if is_beneath(volume, address) else named
    is_known = address.is_served_by(volume.server) and _same(root, address.path)
    return None if is_known else NamedAddress(volume.server, root)


def unknown_addresses(
    volumes: Iterable[Volume], export_id: str, address: Address
) -> Counter[NamedAddress]:
    """By other address, how many volumes with this export's id name it; they are left alone."""
    if not export_id:
        return Counter()
    found = (unknown_address(one, address) for one in volumes if one.export_id == export_id)
    return _gathered(Counter(one for one in found if one))


def on_no_export(
    volumes: Iterable[Volume], addresses: Collection[Address]
) -> Counter[NamedAddress]:
    """By address, how many volumes are at none of these; they are left alone."""
    found = (one for one in volumes if not any(is_beneath(one, at) for at in addresses))
    return _gathered(Counter(map(_named_by, found)))


def _named_by(volume: Volume) -> NamedAddress:
    root = root_of(volume)
    return NamedAddress(volume.server, root or volume.path, is_root=root is not None)


def advice_on_no_export(found: Counter[NamedAddress], addresses: Collection[Address]) -> str:
    """What to do about volumes that are on none of these exports; empty if there are none."""
    return "; ".join(
        f"{_they_are(number)} at {named}, which it does not serve: {_way_in(named, addresses)}"
        for named, number in sorted(found.items())
    )


def _they_are(number: int) -> str:
    if number == 1:
        return "1 volume of this provisioner is"
    return f"{number} volumes of this provisioner are"


def _way_in(named: NamedAddress, addresses: Collection[Address]) -> str:
    for address in addresses:
        if is_other_name(named, address):
            return f"if {named.server} is another name of {address.server}, add it to {ALIASES}"
    return "add that export, or correct the server or path of the one that it is"


def _gathered(found: Counter[NamedAddress]) -> Counter[NamedAddress]:
    """Counts a volume whose export cannot be told with those of an export above it."""
    roots = [one for one in found if one.is_root]
    numbers = Counter[NamedAddress]()
    for named, number in found.items():
        above = [one for one in roots if not named.is_root and _is_above(one, named)]
        numbers[max(above, key=lambda one: len(one.path), default=named)] += number
    return numbers


def _is_above(root: NamedAddress, one: NamedAddress) -> bool:
    return Address(root.server, root.path).directory_of(one.path) is not None and (
        root.server == one.server
    )


def are_all_at_another_path(
    volumes: Sequence[Volume], unknown: Counter[NamedAddress], address: Address
) -> bool:
    """Whether all volumes of an export name the right server and another path.

    Then no pod could mount what is created with this export's path.
    """
    if not unknown or any(names(one, address) for one in volumes):
        return False
    return all(address.is_served_by(one.server) for one in unknown)


def advice_on(unknown: Counter[NamedAddress], address: Address) -> str:
    """What to do about volumes that name the export differently; empty if there are none."""
    return "; ".join(_advice_on_each(unknown, address))


def way_out(named: NamedAddress, address: Address) -> str:
    """What to do about a volume that names this address."""
    if is_other_name(named, address):
        return (
            f"if {named.server} is another name of {address.server}, start Holdfast with it in "
            f"{ALIASES}"
        )
    return _correct(named, address, "it")


def _advice_on_each(unknown: Counter[NamedAddress], address: Address) -> Iterator[str]:
    servers = Counter[str]()
    for named, number in unknown.items():
        if is_other_name(named, address):
            servers[named.server] += number
    if servers:
        them = "it" if len(servers) == 1 else "them"
        yield (
            f"{_they_name(servers.total())} its server as {', '.join(sorted(servers))}: add "
            f"{them} to {ALIASES}"
        )
    for named, number in sorted(unknown.items()):
        if not is_other_name(named, address):
            them = "it" if number == 1 else "them"
            correct = _correct(named, address, them)
            yield f"{_they_name(number)} it as {named}, not {address}: {correct}"


def _they_name(number: int) -> str:
    if number == 1:
        return "1 volume of this provisioner that is on this export names"
    return f"{number} volumes of this provisioner that are on this export name"


def is_other_name(named: NamedAddress, address: Address) -> bool:
    """Whether only the server differs."""
    if address.is_served_by(named.server):
        return False
    if named.is_root:
        return _same(named.path, address.path)
    return address.directory_of(named.path) is not None


def _correct(named: NamedAddress, address: Address, them: str) -> str:
    what = f"set {PATH} to {named.path}" if named.is_root else f"correct {PATH}"
    if not address.is_served_by(named.server):
        what += f" and add {named.server} to {ALIASES}"
    return f"{what}; or, if {address} is right, create {them} again"


def _same(one: str, other: str) -> bool:
    return cleaned(one) == cleaned(other)
