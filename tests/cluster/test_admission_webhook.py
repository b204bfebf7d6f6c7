"""An admission webhook that is down has the API server fail on the volumes of one class (500)."""

from __future__ import annotations

import pytest

from testbed.errors import RequestError
from tests.cluster.objects import phase_of
from tests.cluster.site import Site
from tests.logged import captured_logs
from tests.support import eventually

pytestmark = pytest.mark.timeout(240)

_HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
_NAME = "policy.example.com"
_FAILING, _OTHERS = 20, 10


def break_webhook(site: Site, storage_class: str) -> str:
    """A policy engine's webhook for the volumes of one class, with nobody at its address."""
    webhook = {
        "name": _NAME,
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "matchConditions": [
            {"name": "class", "expression": f"object.spec.storageClassName == '{storage_class}'"}
        ],
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": ["persistentvolumes"],
                "operations": ["CREATE"],
            }
        ],
    }
    name = f"webhook-{site.namespace}"
    site.make(_HOOKS, {"metadata": {"name": name}, "webhooks": [webhook]})
    eventually(lambda: is_failing(site, storage_class), what="the webhook is asked")
    return f"{_HOOKS}/{name}"


def is_failing(site: Site, storage_class: str) -> bool:
    """Whether a volume of the class would fail: the API server is told of webhooks by a watch."""
    spec = {
        "capacity": {"storage": "1Mi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "nfs": {"server": site.server, "path": "/export/none"},
    }
    body = {"metadata": {"name": f"none-{site.namespace}"}, "spec": spec}
    try:
        site.plane.client.send("POST", "/api/v1/persistentvolumes?dryRun=All", body)
    except RequestError as error:
        if error.status != 500:
            raise
        return True
    return False


def test_it_holds_up_the_claims_of_that_class_alone_and_ends_no_term(site: Site) -> None:
    broken, sound = site.make_class("broken"), site.make_class("sound")
    webhook = break_webhook(site, broken)
    with captured_logs() as logs:
        running = site.serve()
        failing = [site.claim(broken, f"broken-{number}") for number in range(_FAILING)]
        for claim in failing:
            assert "failed calling webhook" in site.refusal(claim, _NAME)

        for number in range(_OTHERS):
            site.bound(site.claim(sound, f"sound-{number}"))

        assert len(running.claims_controller.in_progress) == _FAILING
        assert {phase_of(site.get_claim(claim)) for claim in failing} == {"Pending"}
        site.plane.client.send("DELETE", webhook)
        for claim in failing:
            site.bound(claim)
    assert [line["event"] for line in logs].count("term begun") == 1
    assert "API server lost" not in [line["event"] for line in logs]
