"""examples/redis: a key outlives its pod; and what is said where no volume can be had."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.examples.cluster import EXAMPLES, Space, until
from tests.lab.seeds import EXPORT

pytestmark = pytest.mark.timeout(900)
NAMES = [f"redis-pv-sts-{number}" for number in range(2)]
CLAIM = "redis-100m-pvc-redis-pv-sts-0"


@pytest.fixture(scope="module")
def applied(space: Space) -> None:
    space.apply(EXAMPLES / "redis")
    space.roll_out("statefulset/redis-pv-sts")


@pytest.fixture
def refusing(space: Space) -> Iterator[str]:
    """A class that asks for what there is not."""
    name = "example-refusing"
    manifest = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "holdfast.io/nfs",
        "parameters": {"onDelete": "delet"},
    }
    space.kubectl("apply", "--filename=-", text=json.dumps(manifest))
    yield name
    space.kubectl("delete", "storageclass", name)


def apply_with_class(space: Space, name: str) -> None:
    """The example, but for the name of the class."""
    text = (EXAMPLES / "redis/statefulset.yaml").read_text()
    changed = text.replace("storageClassName: nfs-client", f"storageClassName: {name}")
    assert changed != text
    space.kubectl("apply", "--filename=-", text=changed)


def take_away(space: Space) -> None:
    space.kubectl("delete", "statefulset,pvc", "--all", deadline=200)


def described(space: Space) -> str:
    return space.kubectl("describe", "pvc", CLAIM) if CLAIM in space.claims() else ""


def test_where_the_class_is_missing_describe_and_check_name_it(space: Space) -> None:
    apply_with_class(space, "example-missing")

    until(lambda: '"example-missing" not found' in described(space), 60)

    assert "unbound immediate PersistentVolumeClaims" in space.kubectl("describe", "pod", NAMES[0])
    checked = space.cluster.check().partition("StorageClass 'example-missing', which ")[2]
    assert f"{space.name}/{CLAIM}" in checked.partition("\n")[0]
    take_away(space)


def test_where_the_class_cannot_be_served_describe_and_check_say_why(
    space: Space, refusing: str
) -> None:
    apply_with_class(space, refusing)

    until(lambda: "onDelete" in described(space), 60)

    checked = space.cluster.check().partition(f"FAILS StorageClass '{refusing}'")[2]
    assert "'delet'" in checked
    assert "onDelete" in checked
    take_away(space)


@pytest.mark.usefixtures("applied")
def test_each_pod_has_a_volume_for_many_of_100_mebibytes(space: Space) -> None:
    claims = space.claims()

    assert list(claims) == [f"redis-100m-pvc-{name}" for name in NAMES]
    for claim in claims.values():
        assert claim["status"]["accessModes"] == ["ReadWriteMany"]
        assert claim["status"]["capacity"] == {"storage": "100Mi"}


@pytest.mark.usefixtures("applied")
def test_its_directory_on_the_server_holds_what_redis_writes(space: Space) -> None:
    directory = f"{EXPORT}/{space.name}-{CLAIM}-{space.bound()[CLAIM]}"

    assert "appendonlydir" in space.cluster.guest("nfs").ssh(f"ls {directory}")


@pytest.mark.usefixtures("applied")
def test_a_key_is_still_there_when_its_pod_is_another(space: Space) -> None:
    assert said(space, NAMES[0], "set", "name", "jack") == "OK"

    space.replace(NAMES[0])

    assert said(space, NAMES[0], "get", "name") == "jack"
    assert said(space, NAMES[1], "get", "name") == ""


def said(space: Space, pod: str, *words: str) -> Any:
    return space.run(pod, "redis-cli", *words).strip()
