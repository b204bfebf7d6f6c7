"""The commands that messages advise can be typed as they stand, also with several exports."""

from __future__ import annotations

import pytest

from holdfast.controller.export_commands import naming, with_export
from holdfast.exports.errors import ExportError


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (
            "or, if it is lost, run `holdfast exports accept --allow-empty`",
            "or, if it is lost, run `holdfast exports accept --export fast --allow-empty`",
        ),
        ("`holdfast exports show -o wide`", "`holdfast exports show --export fast -o wide`"),
        ("the file system is gone", "the file system is gone"),
        ("see `holdfast exports`", "see `holdfast exports`"),
    ],
)
def test_the_export_is_named_once_in_each_command(message: str, named: str) -> None:
    assert with_export(message, "fast") == named
    assert with_export(named, "fast") == named


def test_the_only_export_needs_no_name() -> None:
    assert with_export("`holdfast exports accept`", "default") == "`holdfast exports accept`"


def test_an_error_is_raised_again_with_the_name() -> None:
    error = ExportError("run `holdfast exports accept`")

    with pytest.raises(ExportError) as caught, naming("fast"):
        raise error

    assert caught.value is error
    assert error.message == str(error) == "run `holdfast exports accept --export fast`"
