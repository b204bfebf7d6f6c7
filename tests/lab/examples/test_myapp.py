"""examples/myapp: claims that outlive their StatefulSet, updates and scaling in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.examples.cluster import (
    EXAMPLES,
    PATIENCE,
    Space,
    address,
    one_after_the_other,
    until,
)

pytestmark = pytest.mark.timeout(900)
FOLDER = EXAMPLES / "myapp"
CLASS = "nfs-client-storageclass"
PODS = [f"myapp-{number}" for number in range(4)]
PAGE = "/usr/share/nginx/html/index.html"


@pytest.fixture(scope="module", autouse=True)
def without_class(space: Space) -> Iterator[None]:
    """The class is the example's own, and not there before and after."""
    with space.cluster.alone("myapp"):
        space.kubectl("delete", "storageclass", CLASS, "--ignore-not-found")
        yield
        space.kubectl("delete", "storageclass", CLASS, "--ignore-not-found")


@pytest.fixture(scope="module")
def applied(space: Space) -> None:
    space.apply(FOLDER)
    space.roll_out("statefulset/myapp")
    for name in PODS[:3]:
        space.run(name, "sh", "-c", f"hostname > {PAGE}")


def deleted(space: Space) -> list[str]:
    """The pods that the StatefulSet's controller deleted, the last one last."""
    return [message.split()[2] for message in space.happened("SuccessfulDelete")]


def read(space: Space, asking: str, name: str) -> str:
    return space.run(asking, "curl", "--silent", f"http://{name}.myapp-svc").strip()


def test_where_the_class_is_missing_describe_and_check_name_it(space: Space) -> None:
    space.kubectl("apply", f"--filename={FOLDER / 'statefulset.yaml'}")

    until(lambda: f'"{CLASS}" not found' in space.kubectl("describe", "pvc"), 60)

    assert "unbound immediate PersistentVolumeClaims" in space.kubectl("describe", "pod", PODS[0])
    checked = space.cluster.check().partition(f"StorageClass '{CLASS}', which ")[2]
    assert f"{space.name}/myappdata-{PODS[0]}" in checked.partition("\n")[0]


@pytest.mark.usefixtures("applied")
def test_with_the_class_the_pods_that_waited_start_in_order(space: Space) -> None:
    pods = space.pods("app=myapp-pod")

    assert list(pods) == PODS[:3]
    assert one_after_the_other(list(pods.values()))


@pytest.mark.usefixtures("applied")
def test_the_older_annotation_names_the_class_of_2_gibibytes_for_one_node(space: Space) -> None:
    claims = space.claims()

    assert list(claims) == [f"myappdata-{name}" for name in PODS[:3]]
    for claim in claims.values():
        assert claim["status"]["capacity"] == {"storage": "2Gi"}
        assert claim["status"]["accessModes"] == ["ReadWriteOnce"]
    assert {volume["spec"]["storageClassName"] for volume in space.volumes()} == {CLASS}


@pytest.mark.usefixtures("applied")
def test_each_pod_resolves_and_gives_the_others_its_own_page(space: Space) -> None:
    space.asker()

    for name, pod in space.pods("app=myapp-pod").items():
        full = f"{name}.myapp-svc.{space.name}.svc.cluster.local"
        until(lambda: space.resolve(full) == {address(pod)}, 60)  # noqa: B023 - called at once
        assert read(space, PODS[0], name) == name


@pytest.mark.usefixtures("applied")
def test_deleted_and_made_again_it_has_its_claims_and_its_data(space: Space) -> None:
    before = space.bound()

    space.kubectl("delete", f"--filename={FOLDER / 'statefulset.yaml'}", deadline=200)
    until(lambda: not space.pods("app=myapp-pod"), PATIENCE)
    assert space.bound() == before
    space.apply(FOLDER)
    space.roll_out("statefulset/myapp")

    assert space.bound() == before
    assert [space.run(name, "cat", PAGE).strip() for name in PODS[:3]] == PODS[:3]


@pytest.mark.usefixtures("applied")
def test_an_update_goes_from_the_last_pod_to_the_first(space: Space) -> None:
    space.kubectl("set", "image", "statefulset/myapp", "myapp=nginx:1.26.3")
    space.roll_out("statefulset/myapp")

    pods = list(space.pods("app=myapp-pod").values())
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {"nginx:1.26.3"}
    assert one_after_the_other(pods[::-1])


@pytest.mark.usefixtures("applied")
def test_scaled_up_and_down_pods_come_and_go_in_order_and_claims_stay(space: Space) -> None:
    space.kubectl("scale", "statefulset/myapp", "--replicas=4")
    space.roll_out("statefulset/myapp")
    bound = space.bound()
    assert list(space.pods("app=myapp-pod")) == PODS

    space.kubectl("patch", "statefulset", "myapp", '--patch={"spec":{"replicas":2}}')
    until(lambda: list(space.pods("app=myapp-pod")) == PODS[:2], PATIENCE)

    assert len(bound) == 4
    assert space.bound() == bound
    until(lambda: deleted(space)[-2:] == [PODS[3], PODS[2]], 30)
