"""What the holder of a lease says of itself goes along with what it writes anyway."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from holdfast.kube.lease_annotations import LeaseAnnotations, nothing
from holdfast.kube.resources import Json


def lease(annotations: Mapping[str, str] | None = None) -> Json:
    metadata = {"name": "l"} | ({} if annotations is None else {"annotations": annotations})
    return {"metadata": metadata, "spec": {"holderIdentity": "me"}}


@pytest.mark.parametrize("others", [None, {}, {"others": "kept"}, {"ours": "old"}])
def test_those_of_others_are_kept_and_ours_are_renewed(others: dict[str, str] | None) -> None:
    given = lease(others)

    added = LeaseAnnotations(lambda: {"ours": "new"}).add_to(given)

    assert added["metadata"] == {"name": "l", "annotations": {**(others or {}), "ours": "new"}}
    assert added["spec"] == given["spec"]
    assert given == lease(others)


def test_without_any_the_lease_is_as_it_was() -> None:
    given = lease()

    assert LeaseAnnotations(nothing).add_to(given) is given


def test_an_error_is_logged_once_until_there_are_some_again(
    logged: list[dict[str, object]],
) -> None:
    answers = [{}, {}, {"b": "x"}, {}]

    def describe() -> dict[str, str]:
        return {"a": answers.pop(0)["b"]}

    annotations = LeaseAnnotations(describe)

    assert ["annotations" in annotations.add_to(lease())["metadata"] for _ in range(4)] == [
        False,
        False,
        True,
        False,
    ]
    assert [line["doing"] for line in logged] == ["describing the holder of a lease"] * 2


def test_ours_are_left_out_for_a_minute_once_they_were_refused(
    monkeypatch: pytest.MonkeyPatch, logged: list[dict[str, object]]
) -> None:
    now = [1000.0]
    monkeypatch.setattr("holdfast.kube.clock.boottime", lambda: now[0])
    annotations = LeaseAnnotations(lambda: {"ours": "new"})
    annotations.add_to(lease())
    given = lease({"ours": "old", "others": "kept"})

    for _ in range(3):
        left = annotations.remove_from(given, "Too long")
        assert left["metadata"]["annotations"] == {"others": "kept"}
        assert annotations.add_to(left) is left
        now[0] += 60.0
        assert annotations.add_to(left)["metadata"]["annotations"]["ours"] == "new"

    assert [line["reason"] for line in logged] == ["Too long"]
