"""`holdfast check`: can a provisioner work here, and if not, what must change?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.claims.build_volume import Address
from holdfast.claims.decide import DEFAULT_EXPORT, Provisioner, read_class
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, Volume, parse_claim, parse_class
from holdfast.claims.ownership import Ownership
from holdfast.claims.volume_address import advice_on_no_export, on_no_export
from holdfast.cli import check_export, class_exports, export_options, options, same_exports
from holdfast.cli.check_export import Cluster
from holdfast.cli.check_line import Line
from holdfast.cli.cluster import api_of, cluster_uid, volumes_of
from holdfast.cli.export_options import Config
from holdfast.cli.naming_rules import naming_rules
from holdfast.cli.options import BOOLEAN, ID, MODE, option
from holdfast.cli.volume_actions import advice
from holdfast.controller.export_commands import with_export
from holdfast.controller.settings import ExportSettings, own_namespace

if TYPE_CHECKING:
    from holdfast.kube.api import Api

_NAMED = 3  # claims in one line
_ON_AN_EXPORT = "every volume is on an export that Holdfast serves"


@click.command()
@options.provisioner
@options.takes_over
@options.address
@options.config
@options.persons_kubeconfig
@options.root
@option(
    "--leader-election",
    "ENABLE_LEADER_ELECTION",
    "Whether the provisioner will use a Lease.",
    type=BOOLEAN,
    default="true",
    show_default=True,
)
@option("--default-mode", "NFS_DEFAULT_MODE", "As for run.", type=MODE, default="0777")
@option("--default-uid", "NFS_DEFAULT_UID", "As for run.", type=ID)
@option("--default-gid", "NFS_DEFAULT_GID", "As for run.", type=ID)
@click.option("--skip-export", is_flag=True, help="Check the API server only.")
def check(
    *,
    provisioner_name: str,
    also_known_as: tuple[str, ...],
    takes_over: tuple[str, ...],
    nfs_server: str | None,
    nfs_path: str | None,
    nfs_server_alias: tuple[str, ...],
    config: Config | None,
    kubeconfig: str | None,
    root: Path,
    skip_export: bool,
    leader_election: bool,
    default_mode: int,
    default_uid: int | None,
    default_gid: int | None,
) -> None:
    """Check whether a provisioner can work here.

    Asks the API server about each permission that the provisioner needs and reads the
    StorageClasses that name it and its volumes' reclaim actions. Then creates, renames and removes
    a directory on the export, unless the provisioner's volumes were created on another export, and
    compares the volumes' directories and records there. Without --nfs-server and --nfs-path, it
    assumes that all of its volumes are on this export, and does not look for the directories of
    volumes that name no export id. With --config, it checks each export in the file, and the
    permissions on its Lease. Each line is ok or says what to do. A note names claims that wait for
    a StorageClass that does not exist, or a file system at the mount point that is not NFS.

    Exits with 0 if all checks are ok, 1 if one fails, 2 for an invalid option.
    """
    export_options.refuse_both(click.get_current_context())
    address = _address(nfs_server, nfs_path, nfs_server_alias)
    exports = config[1] if config else ()
    provisioner = Provisioner(
        provisioner_name,
        also=frozenset(also_known_as),
        takes_over=frozenset(takes_over),
        ownership=Ownership(default_mode, default_uid, default_gid),
        exports=tuple(export.name for export in exports) or (DEFAULT_EXPORT,),
    )
    volumes = partial(_volumes, kubeconfig)
    cluster = Cluster(
        provisioner,
        cache(volumes),
        volumes,
        cache(partial(_uid, kubeconfig)),
        cache(lambda at: naming_rules(api_of(kubeconfig), at)),
    )
    lines = [*_cluster(kubeconfig, cluster, exports, leader_election=leader_election)]
    lines += _addresses(cluster, exports, address)
    if not skip_export:
        lines += same_exports.listed_once(exports)
        lines += _each_export(exports, provisioner, cluster) or check_export.lines(
            root, provisioner.ownership, cluster, address
        )
    for line in lines:
        click.echo(str(line))
    checks = [line for line in lines if not line.is_note]
    if failing := sum(1 for line in checks if line.advice):
        click.echo(f"\n{failing} of {len(checks)} checks fail")
        raise SystemExit(1)
    click.echo(f"\nall {len(checks)} checks are ok")


def _cluster(
    kubeconfig: str | None,
    cluster: Cluster,
    exports: Sequence[ExportSettings],
    *,
    leader_election: bool,
) -> Iterator[Line]:
    from holdfast.kube.errors import KubeError

    provisioner = cluster.provisioner
    try:
        api = api_of(kubeconfig)
        leases = [provisioner.lease_of(export) for export in provisioner.exports]
        asked = _permissions(api, leases if leader_election else [])
        yield from _if_allowed("review the permissions", asked)
        yield from _if_allowed("read StorageClasses and claims", _classes(api, cluster, exports))
        yield from _if_allowed("read the volumes", _actions(cluster))
    except KubeError as error:
        yield Line("reach the API server", error.message)


def _if_allowed(what: str, lines: Iterable[Line]) -> Iterator[Line]:
    """The lines, until the API server refuses what they are about to read."""
    from holdfast.kube.errors import Forbidden

    try:
        yield from lines
    except Forbidden as error:
        yield Line(what, error.message)


def _actions(cluster: Cluster) -> Iterator[Line]:
    yield Line("the volumes' reclaim actions are valid", advice(cluster.own_volumes()))


def _addresses(
    cluster: Cluster, exports: Sequence[ExportSettings], address: Address | None
) -> Iterator[Line]:
    """Whether all volumes are on an export that is given.

    Without a file, volumes with an export id may be those of another Holdfast.
    """
    from holdfast.kube.errors import KubeError

    addresses = [export.address for export in exports] or ([address] if address else [])
    with suppress(KubeError):  # another line says so
        volumes = [one for one in cluster.own_volumes() if exports or not one.export_id]
        if addresses:
            found = on_no_export(volumes, addresses)
            yield Line(_ON_AN_EXPORT, advice_on_no_export(found, addresses))


def _each_export(
    exports: Sequence[ExportSettings], provisioner: Provisioner, cluster: Cluster
) -> list[Line]:
    """The checks of each export of the file, with its name."""
    return [
        replace(
            line,
            what=f"export {export.name}: {line.what}",
            advice=with_export(line.advice, export.name),
        )
        for export in exports
        for line in check_export.lines(
            export.root, export.ownership or provisioner.ownership, cluster, export.address
        )
    ]


def _permissions(api: Api, leases: Collection[str]) -> Iterator[Line]:
    from holdfast.controller.permissions import review

    for asked in review(api, own_namespace(), leases):
        where = f" in namespace {asked.namespace}" if asked.namespace else ""
        which = f" {asked.name}" if asked.name in leases and len(leases) > 1 else ""
        what = f"may {asked.verb} {asked.resource.plural}{which}{where}"
        yield Line(what, "" if asked.allowed else f"grant '{asked.verb}' {asked.advice}")


def _classes(api: Api, cluster: Cluster, exports: Sequence[ExportSettings]) -> Iterator[Line]:
    from holdfast.kube.resources import CLAIMS, CLASSES

    provisioner = cluster.provisioner
    listed = [parse_class(obj) for page in api.pages(CLASSES) for obj in page.items]
    ours = [one for one in listed if provisioner.answers_to(one.provisioner)]
    if not ours:
        advice = f"create a StorageClass whose field provisioner is {provisioner.name!r}"
        yield Line(f"a StorageClass names {provisioner.name!r}", advice)
    for one in ours:
        advice = ""
        try:
            read_class(one, provisioner.exports)
        except Refused as refused:
            advice = refused.message
        yield Line(f"StorageClass {one.name!r} can be served", advice)
    claims = (parse_claim(obj) for page in api.pages(CLAIMS) for obj in page.items)
    yield from missing_classes(claims, {one.name for one in listed})
    yield from class_exports.elsewhere(ours, cluster.own_volumes(), exports, provisioner)


def missing_classes(claims: Iterable[Claim], there: Collection[str]) -> Iterator[Line]:
    """A note for each StorageClass that unbound claims name and that does not exist.

    This is no failure: static volumes may use the name of a class without its object.
    """
    waiting: dict[str, list[str]] = defaultdict(list)
    for claim in claims:
        if claim.class_name and claim.class_name not in there and not claim.volume_name:
            waiting[claim.class_name].append(claim.key)
    for name, keys in sorted(waiting.items()):
        more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
        what = f"waiting for StorageClass {name!r}, which does not exist: "
        advice = "create the class or a volume of it, or change the class in the claims"
        yield Line(what + ", ".join(sorted(keys)[:_NAMED]) + more, advice, is_note=True)


def _volumes(kubeconfig: str | None) -> list[Volume]:
    return list(volumes_of(api_of(kubeconfig)))


def _uid(kubeconfig: str | None) -> str:
    return cluster_uid(api_of(kubeconfig))


def _address(server: str | None, path: str | None, aliases: tuple[str, ...]) -> Address | None:
    if server and path:
        return Address(server, path, frozenset(aliases))
    if server or path:
        raise click.UsageError("give --nfs-server and --nfs-path together, or neither")
    return None
