"""May this claim be served, and if so, where and as what?

`decide` answers for one claim, its class, and the volumes that exist: with a plan, with what it
waits for, or with a refusal that says what to change. What the export knows beyond the API
server (directories that were kept, archives, other clusters' volumes) is asked when the plan is
carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from holdfast.claims import conflicts, parameters, path_pattern, paths
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, ClaimRef, StorageClass, Volume
from holdfast.claims.ownership import Ownership
from holdfast.claims.parameters import EXPORT, Action, Parameters

DEFAULT_EXPORT = "default"  # the name of the only one, where a class need not name it

_SNAPSHOTS = "snapshot.storage.k8s.io"

ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")


@dataclass(frozen=True, slots=True)
class Provisioner:
    """Who decides: the names it answers to, and what it gives where a class says nothing.

    `finalizer` holds a volume back until its directory is dealt with, also when somebody
    deletes the volume before its claim. `takes_over` are clusters that are gone, whose retained
    directories may be taken up. `exports` are the names that the parameter `export` may have; the
    first is that of classes without it.
    """

    name: str
    also: frozenset[str] = frozenset()
    ownership: Ownership = field(default_factory=Ownership)
    finalizer: bool = True
    takes_over: frozenset[str] = frozenset()
    exports: tuple[str, ...] = (DEFAULT_EXPORT,)

    def answers_to(self, name: str) -> bool:
        """Whether a claim, class or volume with this provisioner's name is ours."""
        return name == self.name or name in self.also

    def export_of(self, storage_class: StorageClass | None) -> str:
        """The export that serves a class: the one that it names, if there is such, or the first."""
        named = storage_class.parameters.get(EXPORT, "") if storage_class else ""
        return named if named in self.exports else self.exports[0]

    def lease_of(self, export: str = DEFAULT_EXPORT) -> str:
        """The name of an export's lease.

        That of the default export is the provisioner's own, as client-go's users spell it.
        """
        return _lease_of(self.name, export)

    def former_leases_of(self, export: str = DEFAULT_EXPORT) -> tuple[str, ...]:
        """The leases that the export had before, if it or the provisioner was renamed."""
        names = {self.name, *self.also}
        leases = {_lease_of(name, one) for name in names for one in (export, DEFAULT_EXPORT)}
        return tuple(sorted(leases - {self.lease_of(export)}))


def _lease_of(name: str, export: str) -> str:
    own = name.replace("/", "-")
    return own if export == DEFAULT_EXPORT else f"{own}-{export}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A volume to be made: every later step takes what it needs from here."""

    volume: str
    directory: str
    claim: Claim
    storage_class: StorageClass
    action: Action
    shared: bool
    ownership: Ownership
    use_existing: bool = False

    @property
    def ref(self) -> ClaimRef:
        """The claim that the volume is for."""
        return self.claim.ref


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now, and nothing wrong: the claim is not ours, or not ready.

    `event`, where there is one, is a normal event to record on the claim once.
    """

    reason: str
    event: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The claim cannot be served as it is; `retry` where time may change that."""

    message: str
    retry: bool = False


Existing = Callable[[str], Iterable[Volume]]


def volume_name(claim: ClaimRef) -> str:
    """`pvc-` and the claim's uid: the same at every attempt, never the same for another."""
    return f"pvc-{claim.uid}"


def annotated_directory(volume: Volume) -> str:
    """The directory that a volume's annotation names; empty where it has none."""
    return volume.directory


def decide(
    claim: Claim,
    storage_class: StorageClass | None,
    provisioner: Provisioner,
    existing: Existing,
    place: Callable[[Volume], str] = annotated_directory,
) -> Plan | Wait | Refusal:
    """What to do about a claim.

    Args:
        claim: as last seen.
        storage_class: the class it names, None where there is none of that name.
        provisioner: who we are.
        existing: gives the volumes whose directory overlaps a path relative to the export, those
            of this very path last.
        place: gives the directory of such a volume; empty where it is not known.
    """
    if claim.volume_name:
        return Wait("it has a volume")
    if not provisioner.answers_to(claim.provisioner):
        return Wait("it is another provisioner's")
    if storage_class is None:
        return Refusal(_no_class(claim))
    if not provisioner.answers_to(storage_class.provisioner):
        return Wait(f"StorageClass {storage_class.name!r} is another provisioner's")
    if populator := _populator(claim):
        return Wait("a populator fills its volume", f"left to the populator of {populator}")
    if storage_class.waits_for_consumer and not claim.selected_node:
        return Wait("its class waits for a pod that uses it")
    try:
        plan = _plan(claim, storage_class, provisioner)
    except Refused as refused:
        return Refusal(refused.message)
    return _unless_taken(plan, existing, place)


def _populator(claim: Claim) -> str:
    """The data source of a claim whose volume another controller makes; empty without one.

    A volume populator makes a claim of its own, without the data source, and hands its volume
    over. Claims and snapshots have no populator: their copies are the provisioner's to make.
    """
    if claim.data_source_group in {"", _SNAPSHOTS}:
        return ""
    return f"{claim.data_source_group}/{claim.data_source}"


def _plan(claim: Claim, storage_class: StorageClass, provisioner: Provisioner) -> Plan:
    refuse_what_nfs_cannot_do(claim)
    read = read_class(storage_class, provisioner.exports)
    name = volume_name(claim.ref)
    directory = directory_for(claim, read, name)
    return Plan(
        volume=name,
        directory=directory,
        claim=claim,
        storage_class=storage_class,
        action=read.on_delete,
        shared=read.shared_paths,
        ownership=provisioner.ownership,
        use_existing=read.use_existing,
    )


def refuse_what_nfs_cannot_do(claim: Claim) -> None:
    """Raises Refused for what a claim asks and a directory on NFS cannot be."""
    if claim.volume_mode != "Filesystem":
        raise Refused(
            f"volumeMode {claim.volume_mode} is not supported: NFS volumes are file systems; "
            "set volumeMode to Filesystem"
        )
    if claim.has_selector:
        raise Refused("claim selectors are not supported: remove spec.selector from the claim")
    if claim.data_source:
        raise Refused(
            f"data source {claim.data_source!r} is not supported: remove spec.dataSource and "
            "spec.dataSourceRef, and copy the data after the volume is bound"
        )
    if not claim.size:
        raise Refused("the claim requests no size: set spec.resources.requests.storage")
    unknown = [mode for mode in claim.access_modes if mode not in ACCESS_MODES]
    if unknown or not claim.access_modes:
        raise Refused(
            f"access modes {list(claim.access_modes)} are not supported: set spec.accessModes "
            f"to some of {', '.join(ACCESS_MODES)}"
        )


def read_class(
    storage_class: StorageClass, exports: Collection[str] = (DEFAULT_EXPORT,)
) -> Parameters:
    """The class's parameters; raises Refused with the class's name."""
    try:
        if storage_class.has_topologies:
            raise Refused(
                "allowedTopologies are not supported: an NFS export is the same from every node; "
                "remove them from the class"
            )
        return _on_one_of(exports, parameters.read(storage_class.parameters))
    except Refused as refused:
        raise Refused(f"StorageClass {storage_class.name!r}: {refused.message}") from None


def _on_one_of(exports: Collection[str], read: Parameters) -> Parameters:
    if read.export and read.export not in exports:
        raise Refused(
            f"parameter {EXPORT!r} is {read.export!r}, which is not configured: it must be "
            f"one of {', '.join(exports)}"
        )
    return read


def directory_for(claim: Claim, read: Parameters, volume: str) -> str:
    """The directory of a claim's volume, checked; raises Refused with the reason."""
    path = path_pattern.render(read.path_pattern, claim, volume) or paths.directory_name(
        claim.ref.namespace, claim.ref.name, volume
    )
    try:
        paths.check(path)
    except Refused as refused:
        raise Refused(
            f"{refused.message}, from pathPattern {read.path_pattern!r}: change the labels or "
            "annotations of the claim, or the class"
        ) from None
    return path


def _unless_taken(plan: Plan, existing: Existing, place: Callable[[Volume], str]) -> Plan | Refusal:
    """The plan, or what it waits for: also if no volume at its path is in use.

    Those that are released may not share it, as their class may have said otherwise. Their
    directory may be in the trash, and go back to the path if they are set to Retain.
    """
    refusal = None
    for volume in existing(plan.directory):
        other = place(volume)
        is_shared = plan.shared and other == plan.directory
        if is_shared and conflicts.is_in_use(volume):
            return plan  # and so do all that are still to come, which can be thousands
        if volume.name != plan.volume:
            refusal = Refusal(conflicts.in_use(plan.directory, other, volume), retry=True)
            if not is_shared:
                break
    return refusal or plan


def _no_class(claim: Claim) -> str:
    return (
        f"StorageClass {claim.class_name!r} does not exist: create it, or delete the claim and "
        "recreate it with an existing class"
    )
