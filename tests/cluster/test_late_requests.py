"""A request for a volume that the API server carries out late (design, rule 4).

Its claim is bound then, and must have its directory and record, whoever leads meanwhile.
"""

from __future__ import annotations

from typing import Any

from holdfast.exports.errors import Failed
from holdfast.exports.interface import DirectorySpec, Grant
from holdfast.exports.record import Record
from holdfast.kube.errors import ServerUnavailable
from holdfast.kube.resources import CLAIMS, VOLUMES, Json, Resource
from tests.cluster.objects import name_of, phase_of
from tests.cluster.running import Running
from tests.cluster.site import Site
from tests.support import eventually

PARAMETERS = {"pathPattern": "${.PVC.namespace}/${.PVC.name}"}


def hold_back(running: Running) -> list[Json]:
    """The first volume's request gets no answer and is not carried out yet: the list has it."""
    late: list[Json] = []
    create = running.api.create

    def lose(resource: Resource, body: Json, namespace: str = "", **more: Any) -> Json:
        if resource is VOLUMES:
            late.append(body)
            raise ServerUnavailable("no answer")
        return create(resource, body, namespace, **more)

    running.manager.api.create = lose  # type: ignore[method-assign]
    return late


def arrive(site: Site, late: list[Json]) -> None:
    """The API server carries the request out, and the claim is bound."""
    site.plane.client.send("POST", "/api/v1/persistentvolumes", late[0])
    eventually(lambda: phase_of(site.get_claim("data")) == "Bound")


def test_a_claim_that_is_bound_while_the_next_leader_looks_keeps_its_directory(site: Site) -> None:
    first = site.serve()
    late = hold_back(first)
    claim = site.claim(site.make_class(parameters=PARAMETERS))
    eventually(lambda: late)
    first.stop()
    second = site.stand_by()
    get, looks = second.api.get, list[str]()

    def look(resource: Resource, name: str, namespace: str = "", **more: Any) -> Json:
        if resource is CLAIMS and not looks:
            looks.append(name)
            arrive(site, late)
        return get(resource, name, namespace, **more)

    second.manager.api.get = look  # type: ignore[method-assign]
    second.start()

    volume = site.bound(claim)
    creating = site.root / ".holdfast" / "creating"
    eventually(lambda: not list(creating.iterdir()))
    assert site.directory(volume).is_dir()
    assert list((site.root / ".holdfast" / "volumes").iterdir())


def undone(site: Site, running: Running) -> tuple[str, list[Json]]:
    """A claim whose volume is requested, and its directory then undone; and that request.

    No directory can be made any more: a retry would have a record and a request of its own.
    """
    late, make = hold_back(running), running.export.create

    def make_once(grant: Grant, spec: DirectorySpec, reuses: tuple[str, ...] = ()) -> Record:
        if late:
            raise Failed("cannot make directory: No space left on device")
        return make(grant, spec, reuses)

    running.export.create = make_once  # type: ignore[method-assign]
    claim = site.claim(site.make_class(parameters=PARAMETERS))
    site.refusal(claim, "No space left on device")
    creating = site.root / ".holdfast" / "creating"
    eventually(lambda: late and not list(creating.iterdir()))
    assert site.tree() == set()
    return claim, late


def test_a_claim_that_is_bound_after_its_attempt_was_undone_gets_its_directory_again(
    site: Site,
) -> None:
    running = site.serve()
    make = running.export.create
    claim, late = undone(site, running)

    arrive(site, late)
    running.export.create = make  # type: ignore[method-assign]

    volume = site.bound(claim)
    eventually(lambda: site.directory(volume).is_dir(), what="its directory is made again")
    eventually(lambda: list((site.root / ".holdfast" / "volumes").iterdir()))


def test_a_volume_that_is_made_under_the_next_leader_is_told_that_it_has_no_directory(
    site: Site,
) -> None:
    """The leader that undid it is gone, and with it what was asked for."""
    first = site.serve()
    claim, late = undone(site, first)
    first.stop()
    site.delete_class(str(site.get_claim(claim)["spec"]["storageClassName"]))
    second = site.serve()
    eventually(lambda: second.metric("holdfast_term_begun") == 1)

    arrive(site, late)

    volume = site.bound(claim)
    site.said(name_of(volume), "VolumeNotRecorded", "is missing")
    assert not site.directory(volume).exists()


def carry_out_before_the_second(site: Site, running: Running) -> None:
    """The first request gets no answer; it is carried out just before the second one.

    The claim's annotation, and with it the path, changes between the two.
    """
    requests: list[Json] = []
    create, claims = running.api.create, running.manager.exports["default"].view.claims

    def is_edited() -> bool:
        claim = claims.get(f"{site.namespace}/data")
        return claim is not None and claim.annotations.get("place") == "second"

    def ask(resource: Resource, body: Json, namespace: str = "", **more: Any) -> Json:
        if resource is VOLUMES:
            requests.append(body)
        if resource is VOLUMES and len(requests) == 1:
            site.patch_claim("data", {"metadata": {"annotations": {"place": "second"}}})
            eventually(is_edited)
            raise ServerUnavailable("no answer")
        if resource is VOLUMES and len(requests) == 2:
            site.plane.client.send("POST", "/api/v1/persistentvolumes", requests[0])
        return create(resource, body, namespace, **more)

    running.manager.api.create = ask  # type: ignore[method-assign]


def test_a_request_for_an_earlier_path_gets_its_directory_and_leaves_nothing_behind(
    site: Site,
) -> None:
    running = site.serve()
    carry_out_before_the_second(site, running)
    parameters = {"pathPattern": "${.PVC.annotations.place}", "onDelete": "delete"}
    site.claim(site.make_class(parameters=parameters), annotations={"place": "first"})

    volume = site.bound("data")

    assert site.directory(volume).name == "first"
    eventually(lambda: site.tree() == {"first"}, what="its directory exists, and no other")

    site.delete_claim("data")
    site.gone(volume)
    eventually(lambda: site.tree() == set())
