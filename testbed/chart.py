"""The Helm chart, rendered: for the tests, and as the plain manifests (`python -m testbed.chart`).

The plain manifests are for people without Helm. They are what the chart makes of its defaults, with
the server and the path of an example, and without the labels that only Helm reads.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import yaml

from testbed.client import Json
from testbed.errors import TestbedError
from testbed.supplies import find_helm

_PROVISIONER: Final = Path(__file__).parent.parent / "provisioner"
CHART: Final = _PROVISIONER / "chart"
MANIFESTS: Final = _PROVISIONER / "manifests" / "holdfast.yaml"
NAMESPACE: Final = "holdfast"
EXAMPLE: Final = {"nfs": {"server": "nfs.example.com", "path": "/srv/nfs/k8s"}}

_HEAD: Final = """\
# Rendered from provisioner/chart by `python -m testbed.chart`; change it there.
# Two values are an example's: nfs.example.com, and the path /srv/nfs/k8s.
"""
_ONLY_FOR_HELM: Final = ("app.kubernetes.io/managed-by", "helm.sh/chart")


class HelmError(TestbedError):
    """Helm ended with an error; the message is what it wrote to stderr."""


def helm(*arguments: str | Path, values: Json | None = None) -> str:
    """Runs helm with the values and returns its stdout; raises HelmError."""
    done = subprocess.run(
        [find_helm(), *arguments, "--values", "-"],
        input=yaml.safe_dump(values or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise HelmError(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def render(values: Json | None = None) -> list[Json]:
    """What the chart makes of the example and `values`, in the order in which it is installed."""
    values = {**EXAMPLE, **(values or {})}
    text = helm("template", "holdfast", CHART, "--namespace", NAMESPACE, values=values)
    return [found for found in yaml.safe_load_all(text) if found]


def plain() -> str:
    """The plain manifests."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    objects = [namespace, *render()]
    for found in objects:
        labels = found["metadata"].get("labels", {})
        for label in _ONLY_FOR_HELM:
            labels.pop(label, None)
    return _HEAD + "---\n" + yaml.safe_dump_all(objects, sort_keys=False)


def main() -> None:
    """Writes the plain manifests."""
    try:
        text = plain()
    except TestbedError as error:
        sys.exit(str(error))
    MANIFESTS.parent.mkdir(exist_ok=True)
    MANIFESTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
