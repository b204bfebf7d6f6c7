"""Where the API server is and who we are: a kubeconfig file, or the pod's service account.

The package reads both well, including the service account's token, which it reads again every
minute because the kubelet replaces it. Only its errors are put into sentences here.
"""

from __future__ import annotations

import os
from pathlib import Path

from kubernetes import config as package
from kubernetes.client import Configuration

from holdfast.kube.errors import ConfigurationError


def load_configuration(kubeconfig: str | None) -> Configuration:
    """The configuration of a kubeconfig's current context, or with None that of the pod.

    Args:
        kubeconfig: one file, or several with colons between, as kubectl takes them: those that
            exist are merged.

    Raises:
        ConfigurationError: The file, or the service account, is missing or cannot be used.
    """
    return _in_cluster() if kubeconfig is None else _from_file(kubeconfig)


def _in_cluster() -> Configuration:
    configuration = Configuration()
    try:
        package.load_incluster_config(client_configuration=configuration)
    except (package.ConfigException, OSError) as error:
        raise ConfigurationError(
            "No kubeconfig is given and this is not a pod with a service account "
            f"({_reason(error)}): name a kubeconfig file, or mount the service account's token."
        ) from error
    return configuration


def _from_file(kubeconfig: str) -> Configuration:
    configuration = Configuration()
    paths = [str(Path(part).expanduser()) for part in kubeconfig.split(os.pathsep) if part]
    try:
        existing = [path for path in paths if Path(path).is_file()]
        if not existing:
            raise ConfigurationError(
                f"The kubeconfig {kubeconfig} does not exist or is not a file: name one that does."
            )
        package.load_kube_config(
            os.pathsep.join(existing), client_configuration=configuration, persist_config=False
        )
    except ConfigurationError:
        raise
    except Exception as error:
        # The loader lets out whatever a wrong file makes it stumble over.
        raise ConfigurationError(
            f"The kubeconfig {kubeconfig} cannot be used ({_reason(error)}): correct it, or give "
            "another file."
        ) from error
    return configuration


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:  # without its number
        return error.strerror + (f": {error.filename!r}" if error.filename else "")
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
