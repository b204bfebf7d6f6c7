"""A document's blocks are read as commands, and their output is compared but for what varies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.examples.typed import Command, chapters

DOCUMENT = """\
# Title

## First

```console
$ kubectl get pods
NAME    READY
web-0   1/1
$ true
```

```yaml
not: typed
```

```console
nfs$ ls
```
"""


def test_each_block_is_its_commands_with_what_they_bring(tmp_path: Path) -> None:
    path = tmp_path / "document.md"
    path.write_text(DOCUMENT)

    assert chapters(path) == {
        "First": [
            [
                Command("", "kubectl get pods", ["NAME    READY", "web-0   1/1"]),
                Command("", "true"),
            ],
            [Command("nfs", "ls")],
        ]
    }


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        (["web-0   1/1"], "web-0 1/1\n"),
        (["volume/pvc-… bound"], "volume/pvc-12 bound\n"),
        (["…", "done"], "waiting\nwaiting\ndone\n"),
        (["…", "done"], "done\n"),
        (["a.b", "", "c"], "a.b\n\nc\n"),
        ([], ""),
    ],
)
def test_what_comes_back_fits_but_for_masks_and_blanks(expected: list[str], output: str) -> None:
    assert Command("", "x", expected).fits(output)


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        (["done"], "waiting\ndone\n"),
        (["a.b"], "axb\n"),
        (["web-0"], "web-0\nweb-1\n"),
        (["web-0", "web-1"], "web-0\n"),
        ([], "Error\n"),
        (["jack"], ""),
    ],
)
def test_anything_else_does_not(expected: list[str], output: str) -> None:
    assert not Command("", "x", expected).fits(output)
