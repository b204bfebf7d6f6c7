"""The objects of the fake API server: what they are, and what happened to them in which order.

Only the rules that the program leans on: one counter of versions, conflicts, merge patches, a
page of a list as of one version, finalizers. No validation, no defaults, no access control.
"""

from __future__ import annotations

import copy
import itertools
import threading
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Refused(Exception):
    """The answer is no."""

    code: int
    reason: str
    message: str = "no"


@dataclass
class Objects:
    """Objects by path; `changed` is notified with every change."""

    by_path: dict[str, Json] = field(default_factory=dict)
    history: list[tuple[int, str, str, Json]] = field(default_factory=list)
    version: int = 10
    changed: threading.Condition = field(default_factory=threading.Condition)
    lists: dict[str, tuple[str, list[Json]]] = field(default_factory=dict)
    tokens: itertools.count[int] = field(default_factory=itertools.count)

    def get(self, path: str) -> Json:
        """One object."""
        with self.changed:
            return copy.deepcopy(self._held(path))

    def create(self, collection: str, obj: Json) -> Json:
        """A new object in a collection."""
        with self.changed:
            path = f"{collection}/{obj['metadata']['name']}"
            if path in self.by_path:
                raise Refused(409, "AlreadyExists", f"{path} already exists")
            new = copy.deepcopy(obj)
            new["metadata"].setdefault("uid", f"uid-{self.version}")
            return self._write(path, new, "ADDED")

    def replace(self, path: str, obj: Json) -> Json:
        """A whole object anew, unless it was changed since it was read."""
        with self.changed:
            self._check_version(self._held(path), obj)
            return self._write(path, copy.deepcopy(obj), "MODIFIED")

    def patch(self, path: str, change: Json) -> Json:
        """A merge patch."""
        with self.changed:
            held = self._held(path)
            self._check_version(held, change)
            return self._write(path, _merged(held, change), "MODIFIED")

    def delete(self, path: str, preconditions: Json | None = None) -> Json:
        """An object's end, unless it is not the one that is meant; a finalizer puts it off."""
        with self.changed:
            held = copy.deepcopy(self._held(path))
            for name, value in (preconditions or {}).items():
                if held["metadata"][name] != value:
                    raise Refused(409, "Conflict", f"the {name} is another")
            held["metadata"].setdefault("deletionTimestamp", "2026-01-01T00:00:00Z")
            return self._write(path, held, "MODIFIED")

    def page(self, collection: str, limit: int, token: str) -> Json:
        """Part of a list; every page is of the version of the first."""
        with self.changed:
            version, items = self.lists.pop(token) if token else self._listing(collection)
            rest = items[limit:]
            metadata = {"resourceVersion": version}
            if rest:
                metadata["continue"] = f"{next(self.tokens)}"
                self.lists[metadata["continue"]] = (version, rest)
            return {"kind": "List", "metadata": metadata, "items": items[:limit]}

    def _listing(self, collection: str) -> tuple[str, list[Json]]:
        items = [obj for path, obj in sorted(self.by_path.items()) if within(path, collection)]
        return str(self.version), copy.deepcopy(items)

    def _held(self, path: str) -> Json:
        if path not in self.by_path:
            raise Refused(404, "NotFound", f"{path} not found")
        return self.by_path[path]

    def _check_version(self, held: Json, new: Json) -> None:
        version = new.get("metadata", {}).get("resourceVersion")
        if version not in {None, held["metadata"]["resourceVersion"]}:
            raise Refused(409, "Conflict", "the object has been modified")

    def _write(self, path: str, obj: Json, kind: str) -> Json:
        self.version += 1
        metadata = obj["metadata"]
        metadata["resourceVersion"] = str(self.version)
        self.by_path[path] = obj
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            kind = "DELETED"
            del self.by_path[path]
        self.history.append((self.version, path, kind, copy.deepcopy(obj)))
        self.changed.notify_all()
        return copy.deepcopy(obj)


def within(path: str, collection: str) -> bool:
    """Whether an object belongs to a collection, also when that is of all namespaces."""
    parent, _, _ = path.rpartition("/")
    api, _, plural = collection.rpartition("/")
    return parent == collection or (
        parent.startswith(f"{api}/namespaces/") and parent.endswith(f"/{plural}")
    )


def _merged(target: Json, change: Json) -> Json:
    result = dict(target)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            held = result.get(name)
            result[name] = _merged(held if isinstance(held, dict) else {}, value)
        else:
            result[name] = value
    return result
