"""What is shown of a release has no secret in it."""

from __future__ import annotations

import yaml
from ansible_collections.holdfast.nfs.plugins.modules.helm_release import without_secrets

from testbed.chart import CHART, EXAMPLE, helm

LOGIN = {"registry": "registry.example", "username": "me", "password": "geheim"}


def test_a_login_is_not_in_the_difference() -> None:
    manifest = helm("template", "x", CHART, values={**EXAMPLE, "imageCredentials": LOGIN})
    shown = without_secrets(manifest)

    assert "geheim" in manifest
    assert "geheim" not in shown
    assert shown.count("\nkind: ") == manifest.count("\nkind: ") - 1
    assert all(yaml.safe_load_all(shown))
