"""The two units of a program that a timer runs, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEADER = "# Written by Ansible, module holdfast.nfs.timed_program."
LIBRARY = "/usr/local/lib"
PACKAGE = "holdfast_machine"
PYTHON = "/usr/bin/python3"
# What systemd would not take as it is: in a path, and in a word of a command line.
_PATH = {"\\": "\\\\", '"': '\\"', "%": "%%"}
_COMMAND = {**_PATH, "$": "$$"}


@dataclass(frozen=True, slots=True)
class Timed:
    """A program of the package care and when it is run.

    Attributes:
        name: of both units
        description: for `systemctl status`
        program: its name in the package
        arguments: its command line's rest
        calendar: as in systemd.time(7)
        seconds: after which it is ended
        writes: the folders in which alone it may write; empty where that is not limited
    """

    name: str
    description: str
    program: str
    arguments: Sequence[str]
    calendar: str
    seconds: int
    writes: Sequence[str] = ()

    def command(self) -> list[str]:
        """The command line, to be run in LIBRARY."""
        return [PYTHON, "-m", f"{PACKAGE}.care.{self.program}", *self.arguments]

    def service(self) -> str:
        """The unit that runs the program; what it mounts is gone when it ends."""
        return f"""{HEADER}
[Unit]
Description={self.description}

[Service]
Type=oneshot
WorkingDirectory={LIBRARY}
Environment=PYTHONDONTWRITEBYTECODE=1
ExecStart={" ".join(map(quoted, self.command()))}
TimeoutStartSec={self.seconds}
PrivateMounts=yes
UMask=0077
Nice=10
{self._limits()}"""

    def _limits(self) -> str:
        """As in systemd.exec(5): all but these folders and /run is there to be read only."""
        if not self.writes:
            return ""
        paths = " ".join(_quoted(f"-{path}", _PATH) for path in self.writes)
        return f"ProtectSystem=strict\nPrivateTmp=yes\nReadWritePaths=-/run {paths}\n"

    def timer(self) -> str:
        """The unit that starts it, also late where the machine was off at its time."""
        return f"""{HEADER}
[Unit]
Description=When to: {self.description}

[Timer]
OnCalendar={self.calendar}
RandomizedDelaySec=10min
Persistent=true

[Install]
WantedBy=timers.target
"""


def quoted(word: str) -> str:
    """A word of a command line, as systemd.service(5) reads it back."""
    return _quoted(word, _COMMAND)


def _quoted(word: str, escapes: Mapping[str, str]) -> str:
    escaped = "".join(escapes.get(letter, letter) for letter in word)
    return f'"{escaped}"' if escaped != word or not word or " " in word else word
