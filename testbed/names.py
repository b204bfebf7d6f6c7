"""The repository's address and the image's name: pyproject.toml has them, other files repeat them.

`make docs` writes them where they are repeated. Nothing but the standard library is needed, so that
`make image` can read them without an environment.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parent.parent
_PATTERNS: Final = {
    "repository": r"https?://[\w.-]+(?::\d+)?(?:/[\w.-]+){2}",
    "image": r"[\w.-]+(?::\d+(?=/))?(?:/[\w.-]+)+",  # without its tag
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one of them is repeated.

    Attributes:
        file: its path in the checkout.
        name: which of the two.
        before: what stands before it.
    """

    file: str
    name: str
    before: str

    def written(self, text: str, value: str) -> str:
        """The text of the file, with this value there.

        Raises:
            LookupError: the place is gone.
        """
        pattern = f"(?<={re.escape(self.before)}){_PATTERNS[self.name]}"
        changed, count = re.subn(pattern, lambda _: value, text)
        if not count:
            raise LookupError(
                f"{self.file} does not have {self.before!r}, which the {self.name} follows"
            )
        return changed


PLACES: Final = (
    Place("docs/install.md", "repository", "$ git clone "),
    Place("galaxy.yml", "repository", "\nrepository: "),
    Place("galaxy.yml", "repository", "\ndocumentation: "),
    Place("galaxy.yml", "repository", "\nissues: "),
    Place("provisioner/Containerfile", "repository", 'image.source="'),
    Place("provisioner/chart/values.yaml", "image", "\nimage:\n  repository: "),
    Place("provisioner/manifests/holdfast.yaml", "image", "        image: "),
    Place("examples/httpd-own-namespace/provisioner/deployment.yaml", "image", "          image: "),
    Place("roles/provisioner/defaults/main.yml", "image", "\nprovisioner_image_repository: "),
    Place(
        "roles/provisioner/meta/argument_specs.yml",
        "image",
        "description: The image, without its tag.\n        type: str\n        default: ",
    ),
)


def names(checkout: Path = CHECKOUT) -> dict[str, str]:
    """Both: `repository`, which `git clone` takes, and `image`, without its tag."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        "repository": str(project["project"]["urls"]["Repository"]),
        "image": str(project["tool"]["holdfast"]["image"]),
    }


def version(checkout: Path = CHECKOUT) -> str:
    """The provisioner's version, which is the image's tag."""
    text = (checkout / "provisioner/holdfast/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise LookupError("provisioner/holdfast/__init__.py has no __version__")
    return found[1]


def current(file: str, text: str, wanted: dict[str, str]) -> str:
    """The text of a file, as it is to be."""
    for place in PLACES:
        if place.file == file:
            text = place.written(text, wanted[place.name])
    return text


def main() -> None:
    """Writes the files that differ."""
    wanted = names()
    for file in dict.fromkeys(place.file for place in PLACES):
        text = (CHECKOUT / file).read_text(encoding="utf-8")
        if (changed := current(file, text, wanted)) != text:
            (CHECKOUT / file).write_text(changed, encoding="utf-8")
            print(f"renewed {file}")


if __name__ == "__main__":
    main()
