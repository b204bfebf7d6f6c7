"""`holdfast exports accept`: the mounted export is the volumes' own after all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from holdfast.claims.build_volume import Address
from holdfast.claims.constants import EXPORT
from holdfast.claims.decide import Provisioner
from holdfast.claims.objects import Volume
from holdfast.claims.reclaim_rules import is_provisioned_by
from holdfast.claims.volume_address import is_beneath
from holdfast.cli import export_options, options
from holdfast.cli.cluster import api_of, cluster_uid, volumes_of
from holdfast.cli.confirm import confirm
from holdfast.cli.options import EXPORT_ID
from holdfast.controller.export_commands import with_export
from holdfast.controller.settings import ExportSettings

if TYPE_CHECKING:
    from holdfast.cli.counts import Counts
    from holdfast.cli.entries import Entry
    from holdfast.cli.export_ids import Named
    from holdfast.exports.export import Export
    from holdfast.exports.interface import ExportInfo, Leader
    from holdfast.kube.api import Api

_ATTEMPTS = 10  # each fails only if the provisioner begins a term meanwhile


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command's own options, and the exports of the file, where one is used."""

    listed: tuple[ExportSettings, ...]
    wanted: str
    allow_unnamed: bool
    replace: bool
    allow_empty: bool
    yes: bool


@click.command()
@options.provisioner
@options.takes_over
@export_options.one_export
@options.persons_kubeconfig
@click.option(
    "--id",
    "wanted",
    type=EXPORT_ID,
    metavar="ID",
    help="The id to write, if the volumes name more than one.",
)
@click.option("--allow-unnamed", is_flag=True, help="Accept an --id that no volume names.")
@click.option("--replace", is_flag=True, help="Overwrite the export's current id.")
@click.option(
    "--allow-empty",
    is_flag=True,
    help="Continue if none of the volumes' directories exists; volumes that name no id then get "
    "this export's.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def accept(
    *,
    provisioner_name: str,
    also_known_as: tuple[str, ...],
    takes_over: tuple[str, ...],
    kubeconfig: str | None,
    wanted: str | None,
    allow_unnamed: bool,
    replace: bool,
    allow_empty: bool,
    yes: bool,
    **where: Any,
) -> None:
    """Accept the mounted export as the one that the cluster's volumes were created on.

    Holdfast touches nothing on an export whose id is missing or differs from the one its volumes
    name, and it leaves a directory alone that is not the one in its record: a wrong or an empty
    export may be mounted. Run this command if the export is the right one after all. If the id is
    missing or differs, /readyz and events tell you that it is needed; if directories are not those
    in their records, `exports show` and `check` do.

    If the export was restored from a backup or copied to other disks without .holdfast/export, it
    gets the id that the volumes name.

    If it was restored or copied with .holdfast/export, the records get the inodes of the
    directories that are there now, so that these can be reclaimed and the trash can be emptied. The
    record of a volume that is gone stays as it is if its path is that of another volume, which has
    no record.

    In the pod, if release and namespace are called holdfast:

    kubectl -n holdfast exec -it deploy/holdfast -- holdfast exports accept

    The command counts the volumes' directories and records that exist, names the directories that
    it accepts and the released volumes that are reclaimed afterwards, and asks for confirmation.
    It refuses if none of the directories exists. A second run finds nothing to do.

    If the data is lost for good, --allow-empty continues on an empty export. If the volumes name no
    id (nfs-subdir-external-provisioner created them, and Holdfast has not recorded them yet), it
    writes the annotation holdfast.io/export with the export's id on each of them, which needs the
    permission to patch persistentvolumes. From then on, the export that had their data is refused.

    Exits with 0 if the export has the id, 1 if not or if you declined, 2 for an invalid option.
    """
    from holdfast.exports.errors import ExportError
    from holdfast.kube.errors import KubeError

    provisioner = Provisioner(
        provisioner_name, also=frozenset(also_known_as), takes_over=frozenset(takes_over)
    )
    at, listed = export_options.chosen(**where)
    asked = _Asked(listed, wanted or "", allow_unnamed, replace, allow_empty, yes)
    try:
        _accept(api_of(kubeconfig), provisioner, at, asked)
    except (KubeError, ExportError) as error:
        raise click.ClickException(with_export(error.message, at.name)) from error


def _accept(api: Api, provisioner: Provisioner, at: ExportSettings, asked: _Asked) -> None:
    from holdfast.cli.accept_report import consequences
    from holdfast.cli.counts import count_existing
    from holdfast.cli.export_ids import choose
    from holdfast.cli.inventory import Mounted
    from holdfast.cli.naming_rules import naming_rules
    from holdfast.cli.records import records_on
    from holdfast.exports.export import Export

    root, export = at.root, Export(at.root)
    volumes, cluster = list(volumes_of(api)), cluster_uid(api)
    held = export.inspect_damaged()
    named = _named(volumes, provisioner, at.address, held, asked.listed)
    unnamed = _that_need_an_id(volumes, provisioner, at.address, export)
    chosen = choose(
        named, held, asked.wanted, allow_unnamed=asked.allow_unnamed, needs_one=bool(unnamed)
    )
    places = named.of(chosen)
    mounted = Mounted.of(
        root,
        chosen,
        provisioner,
        cluster,
        volumes=volumes,
        places=places,
        refusal=naming_rules(api, at.address),
    )
    records = records_on(root)
    entries, keep = mounted.entries(records), mounted.used_again(records)
    numbers = count_existing(len(places), entries)
    if held.id == chosen and not unnamed:
        click.echo(f"the export at {root} has the id {chosen} already; {numbers}")
        leader = _leader(cluster, provisioner, at.name)
        write = partial(export.accept_restored, leader, keep)
        _accept_restored(write, entries, at.name, ask=not asked.yes)
        return
    _refuse_unless_asked(asked, held, root, chosen, numbers)
    said = [str(numbers), *_naming(unnamed), *consequences(entries)]
    click.echo(with_export("\n".join(said), at.name))
    if not asked.yes:
        confirm(_question(root, held, chosen, named))
    _give_id(api, unnamed, export, chosen, keep)
    click.echo(
        f"the export at {root} has the id {chosen} now; a running provisioner resumes within "
        "seconds"
    )


def _refuse_unless_asked(
    asked: _Asked, held: ExportInfo, root: Path, chosen: str, numbers: Counts
) -> None:
    if not asked.replace:
        _refuse_another_id(held, root, chosen)
    if not asked.allow_empty:
        numbers.refuse_empty()


def _that_need_an_id(
    volumes: Sequence[Volume], provisioner: Provisioner, address: Address, export: Export
) -> list[Volume]:
    """The volumes for which the provisioner refuses the export, whatever id it has."""
    from holdfast.controller.export_id_check import missing_directories

    here = [
        one for one in volumes if is_provisioned_by(one, provisioner) and is_beneath(one, address)
    ]
    return here if missing_directories(here, address, export.has_directory) else []


def _naming(unnamed: Sequence[Volume]) -> Iterator[str]:
    from holdfast.cli.export_ids import counted

    if unnamed:
        gets = "gets" if len(unnamed) == 1 else "get"
        yield f"{counted(len(unnamed), 'volume')} without an export id {gets} this one's ({EXPORT})"


def _give_id(
    api: Api, unnamed: Iterable[Volume], export: Export, chosen: str, keep: Collection[str]
) -> None:
    """Annotates volumes with the id, and writes it on the export, if it has another or none.

    The volumes first: if they may not be changed, nothing is. With resourceVersion: one that was
    created again meanwhile may be on another export.
    """
    from holdfast.kube.errors import NotFound
    from holdfast.kube.resources import VOLUMES

    for volume in unnamed:
        metadata = {"annotations": {EXPORT: chosen}, "resourceVersion": volume.version}
        with suppress(NotFound):
            api.patch(VOLUMES, volume.name, {"metadata": metadata})
    if export.inspect_damaged().id != chosen:
        export.accept(chosen, keep)


def _named(
    volumes: Sequence[Volume],
    provisioner: Provisioner,
    address: Address,
    held: ExportInfo,
    listed: Sequence[ExportSettings],
) -> Named:
    """What the volumes name; prints a hint if some name another address.

    Raises WrongExport if all of them name another path.
    """
    from holdfast.cli.export_ids import named_by
    from holdfast.controller.export_id_check import refuse_another_path
    from holdfast.exports.errors import WrongExport

    named = named_by(volumes, provisioner, address, held.id)
    hint, own = named.hint(listed), [one for one in volumes if is_provisioned_by(one, provisioner)]
    try:
        refuse_another_path(held, own, address)
    except WrongExport as error:
        raise WrongExport(hint) from error
    if hint:
        click.echo(hint)
    return named


def _refuse_another_id(held: ExportInfo, root: Path, chosen: str) -> None:
    if held.id not in {"", chosen}:
        raise click.ClickException(
            f"the export at {root} has the id {held.id}, not {chosen}: if no cluster uses it "
            "under that id any more, add --replace"
        )


def _question(root: Path, held: ExportInfo, chosen: str, named: Named) -> str:
    if held.id == chosen:
        return f"Accept the export at {root} with the id {chosen} for these volumes?"
    instead = f", in place of {held.id}" if held.id else ""
    return f"Give the export at {root} the id {chosen}, {named.why(chosen)}{instead}?"


def _accept_restored(
    accept: Callable[[], int], entries: Sequence[Entry], name: str, *, ask: bool
) -> None:
    """Writes the directories' inodes into the records of a restored export, if any differ."""
    from holdfast.cli.accept_report import consequences, without_record
    from holdfast.cli.entries import Finding
    from holdfast.cli.export_ids import counted

    if not any(entry.finding is Finding.ANOTHER for entry in entries):
        for line in without_record(entries):
            click.echo(with_export(line, name))
        click.echo("its directories match their records: there is nothing to do")
        return
    click.echo(with_export("\n".join(consequences(entries)), name))
    if ask:
        confirm("Accept the directories that are there now as the records' own?")
    learned = counted(_learned(accept), "record")
    click.echo(f"{learned} written: the directories that are there now are accepted")


def _learned(accept: Callable[[], int]) -> int:
    """Returns how many records were written; a running provisioner then begins its next term."""
    from holdfast.exports.errors import Fenced

    for _ in range(_ATTEMPTS - 1):
        try:
            return accept()
        except Fenced:
            continue
    return accept()


def _leader(cluster: str, provisioner: Provisioner, export: str) -> Leader:
    from holdfast.exports.interface import Leader

    return Leader(
        cluster,
        provisioner.lease_of(export),
        provisioner.former_leases_of(export),
        tuple(sorted(provisioner.takes_over)),
    )
