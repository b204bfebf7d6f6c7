"""`holdfast uninstall`: removes our finalizer, so that another provisioner can delete volumes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import click

from holdfast.claims import nfs_subdir
from holdfast.claims.constants import FINALIZER
from holdfast.claims.decide import Provisioner
from holdfast.claims.finalizers import without_finalizer
from holdfast.claims.objects import StorageClass, Volume, parse_class, parse_volume
from holdfast.claims.parameters import Action
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.cli import options
from holdfast.cli.cluster import api_of, volumes_of
from holdfast.cli.confirm import confirm
from holdfast.cli.export_addresses import ExportAddresses
from holdfast.cli.leader import held_lease
from holdfast.cli.long_list import listed
from holdfast.cli.nfs_subdir_targets import Targets
from holdfast.cli.volume_actions import UNKNOWN, place_of, shown_action

if TYPE_CHECKING:
    from holdfast.kube.api import Api

_SHOWN = 20  # errors that are shown one by one
_NAMED = 3  # volumes in one line
_WHERE_ALL = "-o json shows all"
_KEEP = "To keep a directory, set the reclaim policy of its volume to Retain first."
_AT_ONCE = "As soon as it starts, it deletes or archives the directories of these released volumes"
_DIFFERENTLY = "It would treat these directories differently"
_UNKNOWN = (
    "It may treat these directories differently: what Holdfast does with them stands only in their "
    "records"
)
_TAKES = (
    "Versions 4.0.1 and 4.0.2 take the last component of a volume's path and look for it at the "
    "root of their export. So they delete or archive the data of other volumes with these; set "
    "these, not the others, to Retain first"
)
_MISSES = (
    "Versions 4.0.1 and 4.0.2 find no directory of a volume with these: they look for the last "
    "component of the path at the root of their export. The volumes disappear, and their "
    "directories stay"
)
_ON_ONE = (
    "It serves one, and looks there for the directories of all: versions 4.0.1 and 4.0.2 take the "
    "last component of the path, whatever server and export the volume names. So the directory of "
    "a volume on another export stays, or one of that name is deleted or archived instead"
)
_SHARED = "It deletes or archives these shared directories with the first of their volumes"
_STOP_IT = (
    "a running Holdfast would set the finalizer again; scale its Deployment to 0, or uninstall the "
    "chart"
)
_ATTEMPTS = 5  # the API server's own controllers change finalizers as well


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


@click.command()
@options.provisioner
@options.persons_kubeconfig
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@options.output("text", "json")
def uninstall(
    *,
    provisioner_name: str,
    also_known_as: tuple[str, ...],
    kubeconfig: str | None,
    dry_run: bool,
    yes: bool,
    output: str,
) -> None:
    """Remove Holdfast's finalizer from every volume of this provisioner, by all names given.

    With the finalizer, a volume that nfs-subdir-external-provisioner deletes would stay Terminating
    for ever. Volumes, claims, directories and records stay as they are.

    Stop Holdfast first: it would set the finalizer again. So the command refuses while a Holdfast
    that serves one of the names holds a Lease, and --dry-run says so. It cannot know whether one
    runs without leader election.

    The command lists the volumes, names other provisioners whose volumes keep the finalizer, and
    asks for confirmation. It warns of the directories that nfs-subdir-external-provisioner would
    delete or archive as soon as it starts, or treat differently, or perhaps so, of those that
    volumes share, of volumes with which it would act on the directory of another one, or on none,
    and of a provisioner with volumes on several exports. A second run finds nothing to do, and
    warns of the same. Warnings do not change the exit code.

    Exits with 0 if no volume of the names given has the finalizer, or with --dry-run, 1 if some
    still have it, if this provisioner has no volumes but others have the finalizer, if a Holdfast
    replica leads, if the API server refuses, or if you declined, 2 for an invalid option.
    """
    from holdfast.kube.errors import KubeError

    provisioner = Provisioner(provisioner_name, also=frozenset(also_known_as))
    try:
        api = api_of(kubeconfig)
        if dry_run:
            _tell_if_led(api, provisioner)
        else:
            _refuse_while_led(api, provisioner)
        volumes = list(volumes_of(api))
        rows = rows_of(volumes, _classes(api), provisioner)
        others = others_with_finalizer(volumes, provisioner)
        mistyped = "" if rows else mistyped_name(others, provisioner)
        if not mistyped:
            _show(rows, others, output)
        held = [row for row in rows if row.finalizer == "present"]
        if held and not dry_run:
            if not yes:
                confirm(f"Remove the finalizer from {_counted(held)}?")
                _refuse_while_led(api, provisioner)
            rows = [_released(api, row) if row in held else row for row in rows]
    except KubeError as error:
        raise click.ClickException(error.message) from error
    if output == "json":
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
    if mistyped:
        raise click.ClickException(mistyped)
    if not dry_run:
        _conclude(rows)


def _show(rows: Sequence[Row], others: Mapping[str, int], output: str) -> None:
    if output == "text":
        click.echo("\n".join(described(rows)))
    if others:
        click.echo(_kept_by(others), err=True)


def _tell_if_led(api: Api, provisioner: Provisioner) -> None:
    if leads := held_lease(api, provisioner):
        click.echo(f"{leads}: without --dry-run, this command refuses: {_STOP_IT}", err=True)


def _refuse_while_led(api: Api, provisioner: Provisioner) -> None:
    """Raises ClickException."""
    if leads := held_lease(api, provisioner):
        raise click.ClickException(f"{leads}: {_STOP_IT}, and run this command again")


def _classes(api: Api) -> dict[str, StorageClass]:
    from holdfast.kube.resources import CLASSES

    listed = (parse_class(obj) for page in api.pages(CLASSES) for obj in page.items)
    return {one.name: one for one in listed}


def rows_of(
    volumes: Collection[Volume], classes: dict[str, StorageClass], provisioner: Provisioner
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


def others_with_finalizer(volumes: Iterable[Volume], provisioner: Provisioner) -> Mapping[str, int]:
    """By other provisioner, how many volumes have the finalizer, as Holdfast may have served it.

    Only NFS volumes: CSI drivers use the same finalizer.
    """
    held = (one for one in volumes if one.server and FINALIZER in one.finalizers)
    others = (one for one in held if not is_provisioned_by(one, provisioner))
    return Counter(one.provisioned_by or "none" for one in others)


def mistyped_name(others: Mapping[str, int], provisioner: Provisioner) -> str:
    """Whose volumes have the finalizer, for a provisioner that has none; empty if nobody's do.

    With a mistyped name, the volumes would stay Terminating once Holdfast is gone.
    """
    if not others:
        return ""
    return (
        f"no volume names provisioner {provisioner.name!r}; the cluster's volumes name: "
        f"{', '.join(sorted(others))}"
    )


def _kept_by(others: Mapping[str, int]) -> str:
    named = ", ".join(f"{name} ({others[name]})" for name in sorted(others))
    return (
        f"\nVolumes of other provisioners keep the finalizer: {named}. Add --also-known-as NAME "
        "for each of them that Holdfast served."
    )


def described(rows: Sequence[Row]) -> Iterator[str]:
    """What there is to do, for a person."""
    held = [row for row in rows if row.finalizer == "present"]
    if held:
        yield f"{len(held)} of {_counted(rows)} with the finalizer:"
        yield from listed((f"{_named(row)}{_going(row)}" for row in held), _WHERE_ALL)
    else:
        yield f"none of {_counted(rows)} has the finalizer: there is nothing to do"
    warnings = list(_warnings(rows))
    if warnings:
        yield f"\nnfs-subdir-external-provisioner follows the class. {_KEEP}"
    for what, lines in warnings:
        yield f"\n{what}:"
        yield from listed(lines, _WHERE_ALL)


def _warnings(rows: Sequence[Row]) -> Iterator[tuple[str, list[str]]]:
    """What nfs-subdir would do with directories: a headline, and a line for each."""
    if found := sorted((row for row in rows if row.target_has), key=lambda row: not row.at_once):
        yield _TAKES, list(map(_taken, found))
    for what, found in (
        (_AT_ONCE, [row for row in rows if row.at_once]),
        (_DIFFERENTLY, [row for row in rows if row.differs]),
        (_UNKNOWN, [row for row in rows if row.is_unknown]),
    ):
        if found:
            yield what, [f"{_named(row)}: {_both(row)}" for row in found]
    if missed := [row for row in rows if row.is_missed]:
        yield _MISSES, list(map(_named, missed))
    for name, exports in _on_several(rows).items():
        lines = [f"{export}: {_counted(those)}" for export, those in sorted(exports.items())]
        yield f"{name} has volumes on several exports. {_ON_ONE}", lines
    if shared := [those for those in _shared(rows) if not all(row.is_kept for row in those)]:
        yield _SHARED, [f"{those[0].path}: {', '.join(map(_named, those))}" for those in shared]


def _on_several(rows: Sequence[Row]) -> Mapping[str, Mapping[str, list[Row]]]:
    """By provisioner, and by export, volumes of which nfs-subdir can mount one export only."""
    found = defaultdict[str, defaultdict[str, list[Row]]](lambda: defaultdict(list))
    for row in rows:
        if row.export and not row.deleting:
            found[row.provisioner][row.export].append(row)
    return {
        name: exports
        for name, exports in found.items()
        if len(exports) > 1 and not all(row.is_kept for those in exports.values() for row in those)
    }


def _shared(rows: Sequence[Row]) -> Iterable[list[Row]]:
    """The volumes that have one directory, for each such directory."""
    found = defaultdict[frozenset[str], list[Row]](list)
    for row in rows:
        if row.shares_with:
            found[frozenset((row.volume, *row.shares_with))].append(row)
    return found.values()


def _taken(row: Row) -> str:
    when = "as soon as it starts" if row.at_once else "once its claim is deleted"
    names = row.target_has[:_NAMED]
    more = len(row.target_has) - len(names)
    whose = f"{', '.join(names)} and {more} more" if more else ", ".join(names)
    what = f"{row.reclaim_action_of_nfs_subdir}s {row.target_of_nfs_subdir!r}"
    return f"{_named(row)}: {when}, it {what}, where the data of {whose} is"


def _both(row: Row) -> str:
    return f"{row.reclaim_action} here, {row.reclaim_action_of_nfs_subdir} there"


def _named(row: Row) -> str:
    return f"{row.volume} of claim {row.claim}" if row.claim else row.volume


def _going(row: Row) -> str:
    if not row.deleting:
        return ""
    return f", which is being deleted: it goes at once, and its directory stays at {row.path}"


def _counted(rows: Sequence[Row]) -> str:
    return f"{len(rows)} volume{'' if len(rows) == 1 else 's'}"


def _released(api: Api, row: Row) -> Row:
    """Removes the finalizer from one volume; what became of it."""
    from holdfast.kube.errors import ApiError, Conflict, NotFound

    why = ""
    for _ in range(_ATTEMPTS):
        try:
            _remove(api, row.volume)
        except NotFound:
            pass
        except Conflict as conflict:
            why = conflict.message
            continue
        except ApiError as error:
            return replace(row, finalizer=error.message)
        return replace(row, finalizer="removed")
    return replace(row, finalizer=why)


def _remove(api: Api, name: str) -> None:
    from holdfast.kube.resources import VOLUMES

    volume = parse_volume(api.get(VOLUMES, name))
    # With its version: a merge patch writes the whole list, and another's must not be lost.
    metadata = {
        "finalizers": list(without_finalizer(volume.finalizers)),
        "resourceVersion": volume.version,
    }
    api.patch(VOLUMES, name, {"metadata": metadata})


def _conclude(rows: Sequence[Row]) -> None:
    """Says how it ended; raises ClickException where some still have the finalizer."""
    removed = [row for row in rows if row.finalizer == "removed"]
    left = [row for row in rows if row.finalizer not in {"removed", "absent"}]
    if removed:
        click.echo(f"finalizer removed from {_counted(removed)}", err=True)
    for row in left[:_SHOWN]:
        click.echo(f"{_named(row)} still has it: {row.finalizer}", err=True)
    if left:
        raise click.ClickException(f"{_counted(left)} still with the finalizer: run it again")
