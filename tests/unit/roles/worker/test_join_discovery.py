"""How the cluster is found is read from the command that kubeadm prints."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.filter.worker import join_discovery


def test_the_command_says_where_and_with_which_token() -> None:
    printed = (
        "W1121 a warning\n"
        "kubeadm join 192.168.41.11:6443 --token abcdef.0123456789abcdef "
        "--discovery-token-ca-cert-hash sha256:00ff \n"
    )

    assert join_discovery(printed) == {
        "apiServerEndpoint": "192.168.41.11:6443",
        "token": "abcdef.0123456789abcdef",
        "caCertHashes": ["sha256:00ff"],
    }


def test_another_output_is_refused() -> None:
    with pytest.raises(ValueError, match="printed no command to join with"):
        join_discovery("timed out waiting for the condition")
