"""The volumes that `holdfast uninstall` lists, and what nfs-subdir would do with each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from holdfast.claims import nfs_subdir
from holdfast.claims.constants import FINALIZER
from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import StorageClass, Volume
from holdfast.claims.parameters import Action
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.cli.export_addresses import ExportAddresses
from holdfast.cli.nfs_subdir_targets import Targets
from holdfast.cli.volume_actions import UNKNOWN, place_of, shown_action


@dataclass(frozen=True, slots=True)
class Row:
    """One volume of the provisioner, as JSON has it.

    Attributes:
        provisioner: whose volume it is, by its annotation.
        export: an address of its export, or its id; empty where neither can be told.
        deleting: it goes as soon as nothing holds it, and its directory stays on the export.
        reclaim_action: what Holdfast does with its directory; unknown where only its record says.
        reclaim_action_of_nfs_subdir: what nfs-subdir does, by the class as it is now.
        at_once: nfs-subdir does that as soon as it starts, as the claim is gone.
        shares_with: the other volumes with the same directory.
        target_of_nfs_subdir: what versions 4.0.1 and 4.0.2 do that with, relative to the root of
            the export that they mount; empty where no volume's data is there, or nothing is done.
        target_has: the other volumes with data there, without those that share the directory.
        finalizer: whether it has ours: present, absent, removed, or why it could not be.
    """

    volume: str
    claim: str
    provisioner: str
    export: str
    path: str
    phase: str
    deleting: bool
    reclaim_action: str
    reclaim_action_of_nfs_subdir: str
    at_once: bool
    shares_with: tuple[str, ...]
    target_of_nfs_subdir: str
    target_has: tuple[str, ...]
    finalizer: str

    @property
    def is_kept(self) -> bool:
        """Whether nfs-subdir leaves the directory where it is."""
        return self.deleting or self.reclaim_action_of_nfs_subdir == Action.RETAIN

    @property
    def is_missed(self) -> bool:
        """Whether versions 4.0.1 and 4.0.2 find no directory to delete or archive."""
        return not self.is_kept and not self.target_of_nfs_subdir

    @property
    def is_unknown(self) -> bool:
        """Whether nfs-subdir moves the directory away, and only its record says what we do."""
        return self.reclaim_action == UNKNOWN and not self.is_kept

    @property
    def differs(self) -> bool:
        """Whether the two are known to do something else with the directory."""
        if self.deleting or self.reclaim_action == UNKNOWN:
            return False
        return self.reclaim_action != self.reclaim_action_of_nfs_subdir


def rows_of(
    volumes: Collection[Volume], classes: Mapping[str, StorageClass], provisioner: Provisioner
) -> list[Row]:
    """The volumes of the provisioner, by claim; `volumes` are all of the cluster."""
    own = [one for one in volumes if is_provisioned_by(one, provisioner)]
    addresses = ExportAddresses(own)
    targets = Targets(volumes, classes)
    sharers = defaultdict[tuple[str, str], set[str]](set)
    for one in own:
        sharers[place_of(one)].add(one.name)
    rows = (
        _with_target(
            _row(one, addresses.of(one), classes.get(one.class_name), sharers[place_of(one)]),
            one,
            targets,
        )
        for one in own
    )
    return sorted(rows, key=lambda row: (row.claim, row.volume))


def _row(volume: Volume, export: str, storage_class: StorageClass | None, sharers: set[str]) -> Row:
    # Without its class, nfs-subdir deletes no volume.
    then = nfs_subdir.action(storage_class.parameters).value if storage_class else "retain"
    kept = volume.reclaim_policy != "Delete"
    action = Action.RETAIN.value if kept else then
    is_due = volume.phase == "Released" and not volume.deleting
    return Row(
        volume=volume.name,
        claim=str(volume.claim) if volume.claim.name else "",
        provisioner=volume.provisioned_by,
        export=export,
        path=f"{volume.server}:{volume.path}",
        phase=volume.phase,
        deleting=volume.deleting,
        reclaim_action=shown_action(volume, is_shared=False),
        reclaim_action_of_nfs_subdir=action,
        at_once=is_due and action != Action.RETAIN,
        shares_with=tuple(sorted(sharers - {volume.name})),
        target_of_nfs_subdir="",
        target_has=(),
        finalizer="present" if FINALIZER in volume.finalizers else "absent",
    )


def _with_target(row: Row, volume: Volume, targets: Targets) -> Row:
    found = set() if row.is_kept else targets.of(volume)
    others = found - {row.volume, *row.shares_with}
    target = (nfs_subdir.target(volume.path) or ".") if found else ""
    return replace(row, target_of_nfs_subdir=target, target_has=tuple(sorted(others)))


def named(row: Row) -> str:
    """The volume and its claim, for messages."""
    return f"{row.volume} of claim {row.claim}" if row.claim else row.volume


def counted(rows: Sequence[Row]) -> str:
    """How many volumes, for messages."""
    return f"{len(rows)} volume{'' if len(rows) == 1 else 's'}"
