"""Why Holdfast does not record a volume of nfs-subdir: its rules do not give the directory."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from holdfast.claims import inherited
from holdfast.claims.build_volume import Address
from holdfast.claims.errors import Refused
from holdfast.claims.objects import Claim, StorageClass, Volume, parse_claim, parse_class

if TYPE_CHECKING:
    from holdfast.kube.api import Api

Refusal = Callable[[Volume], str]


def naming_rules(api: Api, address: Address) -> Refusal:
    """Returns a function that says why a volume is refused; it says nothing of one that fits.

    Classes and claims are read only for volumes that need them, and once. The function raises
    KubeError.
    """

    @cache
    def classes() -> dict[str, StorageClass]:
        from holdfast.kube.resources import CLASSES

        found = (parse_class(obj) for page in api.pages(CLASSES) for obj in page.items)
        return {one.name: one for one in found}

    @cache
    def claims() -> dict[str, Claim]:
        from holdfast.kube.resources import CLAIMS

        found = (parse_claim(obj) for page in api.pages(CLAIMS) for obj in page.items)
        return {one.key: one for one in found}

    def refusal(volume: Volume) -> str:
        storage_class = classes().get(volume.class_name)
        try:
            inherited.directory(volume, address, storage_class, None)
        except Refused:
            claim = claims().get(str(volume.claim))
            return _refused(volume, address, storage_class, claim)
        return ""

    return refusal


def _refused(
    volume: Volume, address: Address, storage_class: StorageClass | None, claim: Claim | None
) -> str:
    try:
        inherited.directory(volume, address, storage_class, claim)
    except Refused as refused:
        return refused.message
    return ""
