"""The blocks of a document that show what is typed and what comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PROMPT: Final = re.compile(r"^(?P<machine>\w*)\$ (?P<command>.*)$")
_ANY: Final = "…"  # what differs each time: a part of a line, or any number of lines


@dataclass
class Command:
    """What is typed.

    Attributes:
        machine: of the lab, on which it is typed; empty for this one.
        expected: the lines that come back.
    """

    machine: str
    text: str
    expected: list[str] = field(default_factory=list)

    def fits(self, output: str) -> bool:
        """Whether what came back is what was said, but for masks and the width of columns."""
        found = "".join(f"{line}\n" for line in _words(output.splitlines()))
        return re.fullmatch(_pattern(_words(self.expected)), found) is not None


def chapters(document: Path) -> dict[str, list[list[Command]]]:
    """By the heading above them, the commands of each block."""
    text = document.read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {
        section.partition("\n")[0]: [_commands(block) for block in _BLOCK.findall(section)]
        for section in sections
    }


def _commands(block: str) -> list[Command]:
    listed: list[Command] = []
    for line in block.splitlines():
        if prompt := _PROMPT.match(line):
            listed.append(Command(prompt["machine"], prompt["command"]))
        else:
            listed[-1].expected.append(line)
    return listed


def _words(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines if line.strip()]


def _pattern(lines: list[str]) -> str:
    return "".join(
        r"(?:.*\n)*?" if line == _ANY else re.escape(line).replace(re.escape(_ANY), ".*") + r"\n"
        for line in lines
    )
