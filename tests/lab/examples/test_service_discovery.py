"""examples/service-discovery: names, addresses and variables by which pods find each other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.examples.cluster import EXAMPLES, Space, address, until

pytestmark = pytest.mark.timeout(900)
PODS = [f"nginx-statefulset-{number}" for number in range(3)]
WELCOME = "Welcome to nginx"


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space) -> None:
    space.apply(EXAMPLES / "service-discovery")
    space.roll_out("statefulset/nginx-statefulset")
    space.asker()


@pytest.fixture
def service(space: Space) -> Any:
    return space.get("service", "nginx-service")["spec"]


def full(space: Space, name: str, kind: str = "svc") -> str:
    return f"{name}.{space.name}.{kind}.cluster.local"


def test_a_services_name_is_its_address(space: Space, service: Any) -> None:
    until(lambda: space.resolve(full(space, "nginx-service")) == {service["clusterIP"]}, 60)


def test_a_short_name_is_enough_in_the_same_namespace(space: Space) -> None:
    assert WELCOME in space.run("dns-test", "wget", "-q", "-O-", "http://nginx-service")


def test_a_headless_services_name_is_its_pods_addresses(space: Space) -> None:
    expected = {address(pod) for pod in space.pods("app=nginx").values()}

    assert len(expected) == 3
    until(lambda: space.resolve(full(space, "nginx")) == expected, 60)


def test_each_pod_has_a_name_below_the_headless_services(space: Space) -> None:
    pods = space.pods("app=nginx")

    assert list(pods) == PODS
    for name, pod in pods.items():
        until(lambda: space.resolve(full(space, f"{name}.nginx")) == {address(pod)}, 60)  # noqa: B023 - called at once


def test_a_pods_address_is_a_name_too(space: Space) -> None:
    known = address(space.pods("app=nginx")[PODS[0]])

    assert space.resolve(full(space, known.replace(".", "-"), "pod")) == {known}


def test_a_pod_has_the_services_as_variables(space: Space, service: Any) -> None:
    told = dict(line.partition("=")[::2] for line in space.run("dns-test", "env").splitlines())

    assert told["NGINX_SERVICE_SERVICE_HOST"] == service["clusterIP"]
    assert told["NGINX_SERVICE_SERVICE_PORT"] == "80"


def test_a_node_port_is_open_on_every_node(space: Space, service: Any) -> None:
    port = service["ports"][0]["nodePort"]
    nodes = space.cluster.get("nodes")["items"]

    for node in nodes:
        [internal] = [
            one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP"
        ]
        page = space.run("dns-test", "wget", "-q", "-O-", f"http://{internal}:{port}")
        assert WELCOME in page


def test_pods_reach_each_other_by_name(space: Space) -> None:
    for name in PODS:
        assert WELCOME in space.run(PODS[0], "curl", "--silent", f"{name}.nginx")


def test_a_pod_may_be_made_for_one_question_and_leaves_nothing(space: Space) -> None:
    asked = ("nslookup", "-type=a", full(space, "nginx-service"))
    flags = ("--image=busybox:1.37", "--restart=Never", "--attach", "--rm", "--quiet")

    said = space.kubectl("run", "once", *flags, "--", *asked, deadline=200)

    assert "Name:" in said
    assert "once" not in space.pods()
