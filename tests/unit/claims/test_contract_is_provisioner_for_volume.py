"""TestIsProvisionerForVolume of the provisioner contract.

Source of the cases: sigs.k8s.io/sig-storage-lib-external-provisioner, controller_test.go.
"""

from __future__ import annotations

from typing import Any

from holdfast.claims.reclaim_rules import is_provisioned_by
from tests.unit.claims.given import ME, NAME, volume

OTHER = "another/one"


def is_mine(by: str = "", migrated_to: str = "", **spec: Any) -> bool:
    annotations = {
        "pv.kubernetes.io/provisioned-by": by,
        "pv.kubernetes.io/migrated-to": migrated_to,
    }
    given = {key: value for key, value in annotations.items() if value}
    return is_provisioned_by(volume(annotations=given, **spec), ME)


def csi(driver: str) -> dict[str, Any]:
    return {"csi": {"driver": driver}, "nfs": None}


def test_dynamic_in_tree_of_mine_is_mine() -> None:
    assert is_mine(by=NAME)


def test_dynamic_in_tree_under_my_other_name_is_mine() -> None:
    assert is_mine(by="example.com/old-name")


def test_dynamic_in_tree_of_unknown_is_not_mine() -> None:
    assert not is_mine(by=OTHER)


def test_dynamic_migrated_to_me_is_mine() -> None:
    assert is_mine(by=OTHER, migrated_to=NAME)


def test_dynamic_migrated_to_unknown_is_not_mine() -> None:
    assert not is_mine(by=OTHER, migrated_to="a/third")


def test_dynamic_csi_of_mine_is_mine() -> None:
    assert is_mine(by=NAME, **csi(NAME))


def test_dynamic_csi_of_unknown_is_not_mine() -> None:
    assert not is_mine(by=OTHER, **csi(OTHER))


def test_static_csi_of_mine_is_mine() -> None:
    assert is_mine(**csi(NAME))


def test_static_csi_of_unknown_is_not_mine() -> None:
    assert not is_mine(**csi(OTHER))


def test_static_in_tree_is_never_mine() -> None:
    assert not is_mine()


def test_static_migrated_to_me_is_mine() -> None:
    assert is_mine(migrated_to=NAME)


def test_static_migrated_to_unknown_is_not_mine() -> None:
    assert not is_mine(migrated_to=OTHER)
