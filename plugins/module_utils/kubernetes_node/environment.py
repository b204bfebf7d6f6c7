"""What the environment of programs on a machine says of a proxy."""

from __future__ import annotations

from collections.abc import Mapping

# In the order in which programs in Go look for them.
PROXIES = ("HTTPS_PROXY", "https_proxy")
EXCEPTIONS = ("NO_PROXY", "no_proxy")


def proxy_of(environment: Mapping[str, str]) -> dict[str, str]:
    """What kubeadm and kubectl take of it, and under which names; without a login.

    Args:
        environment: that of a process
    """
    set_there = [name for name in (*PROXIES, *EXCEPTIONS) if environment.get(name)]
    variable = next((name for name in PROXIES if name in set_there), "")
    exceptions = next((name for name in EXCEPTIONS if name in set_there), "")
    return {
        "https_proxy": variable,
        "exceptions": exceptions,
        "no_proxy": environment[exceptions] if exceptions else "",
    }
