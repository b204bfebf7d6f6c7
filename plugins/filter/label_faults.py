"""Labels and taints that Kubernetes would not take, or not as they are meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.holdfast.nfs.plugins.module_utils.dns_names import is_subdomain

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
LABELS = "kubernetes_node_labels"
TAINTS = "kubernetes_node_taints"
_KEY = (
    "a key has up to 63 letters, digits, dashes, underscores and dots, begins and ends with a "
    "letter or digit, and may have a domain before it, as example.com/disk"
)
_VALUE = (
    "a value has up to 63 letters, digits, dashes, underscores and dots, and begins and ends with "
    "a letter or digit"
)


def label_faults(
    labels: Mapping[Any, object], taints: Sequence[Mapping[str, object]], machine: str
) -> list[str]:
    """Why these cannot be a node's labels and taints; a sentence each.

    Args:
        labels: the values by their keys
        taints: the `key`, `value` and `effect` of each
        machine: its name in the inventory
    """
    of_labels = (fault for key, value in labels.items() for fault in _of_label(key, value))
    of_taints = (fault for taint in taints for fault in _of_taint(taint))
    return [
        *(f"{LABELS} on {machine}: {fault}." for fault in of_labels),
        *(f"{TAINTS} on {machine}: {fault}." for fault in (*of_taints, *_repeated(taints))),
    ]


def _of_label(key: object, value: object) -> Iterator[str]:
    if not _is_key(key):
        yield f"{_told(key)} is no key of a label; {_KEY}"
    elif fault := _of_value(value):
        yield f"{key} {fault}"


def _of_taint(taint: Mapping[str, object]) -> Iterator[str]:
    key, effect = taint.get("key"), taint.get("effect")
    if not _is_key(key):
        yield f"{_told(key)} is no key of a taint; {_KEY}"
    elif "value" in taint and (fault := _of_value(taint["value"])):
        yield f"{key} {fault}"
    if effect not in EFFECTS:
        yield f"{_told(effect)} is no effect of a taint; use one of {', '.join(EFFECTS)}"


def _is_key(key: object) -> bool:
    if not isinstance(key, str):
        return False
    domain, slash, name = key.rpartition("/")
    return _NAME.fullmatch(name) is not None and (not slash or is_subdomain(domain))


def _of_value(value: object) -> str:
    """What is wrong with a value, after its key; YAML gives other types than text as well."""
    if value is None:
        return 'has no value; write "" for an empty one, or remove the line'
    if isinstance(value, bool):
        return f"is {str(value).lower()}, which YAML takes for a yes or no; put it in quotes"
    if value == "" or _NAME.fullmatch(str(value)):
        return ""
    return f"has the value {_told(value)}; {_VALUE}"


def _told(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _repeated(taints: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    pairs = Counter((str(one.get("key")), str(one.get("effect"))) for one in taints)
    for (key, effect), number in pairs.items():
        if number > 1:
            yield (
                f"{key} with the effect {effect} is there {number} times; a node has one taint of "
                "a key and an effect, so leave one"
            )


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """The filters by name."""
        return {"label_faults": label_faults}
