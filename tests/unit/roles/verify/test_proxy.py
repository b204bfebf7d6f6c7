"""A proxy that does not start is told of, and one that ran is gone again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.verify.proxy import ApiError, proxied


def program(folder: Path, text: str) -> str:
    path = folder / "kubectl"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_without_kubectl_it_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(ApiError, match=r"kubectl cannot be run: .*nowhere"),
        proxied(str(tmp_path / "nowhere"), "/etc/kubernetes/admin.conf"),
    ):
        pass


def test_what_kubectl_refuses_is_said(tmp_path: Path) -> None:
    refusing = program(tmp_path, "echo 'error: no kubeconfig' >&2; exit 1")

    with (
        pytest.raises(ApiError, match="kubectl proxy does not start: error: no kubeconfig"),
        proxied(refusing, "/nowhere"),
    ):
        pass


def test_it_ends_with_the_trial_whatever_happens(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    text = f'echo $$ > {noted}; for word; do touch "${{word#--unix-socket=}}"; done; exec sleep 60'

    with (
        pytest.raises(ZeroDivisionError),
        proxied(program(tmp_path, f"cd {tmp_path}; {text}"), "config"),
    ):
        raise ZeroDivisionError

    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)
