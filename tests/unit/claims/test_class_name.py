"""Which class a claim or volume names, by its field or the older annotation."""

from __future__ import annotations

import pytest

from tests.unit.claims.given import GA, NAME, claim, volume

BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


@pytest.mark.parametrize(
    ("field", "annotation", "expected"),
    [
        ("nfs", None, "nfs"),
        (None, "older", "older"),
        ("nfs", "older", "older"),
        ("nfs", "", ""),
        (None, None, ""),
    ],
)
def test_the_annotation_counts_where_it_is_present_else_the_field(
    field: str | None, annotation: str | None, expected: str
) -> None:
    annotations = {GA: NAME} if annotation is None else {GA: NAME, BETA_CLASS: annotation}

    assert claim(annotations=annotations, storageClassName=field).class_name == expected
    assert volume(annotations=annotations, storageClassName=field).class_name == expected
