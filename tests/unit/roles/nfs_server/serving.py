"""A machine on which `exportfs` does with the files and the table what it does on a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server import server
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.commands import Outcome

from tests.unit.roles.nfs_server.given import SHOWN

Key = tuple[str, str]


class Killed(BaseException):
    """The run is over at once, as with SIGKILL."""


class Server:
    """Notes what was run. `answers` are for commands that begin so, in place of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "exports.d"
        self.file = self.folder / "holdfast.exports"
        self.etab = folder / "etab"
        self.main = folder / "exports"
        self.ran: list[str] = []
        self.answers: dict[str, Callable[[], Outcome]] = {}
        self.named: dict[str, str] = {}  # what a machine is called in the table
        self.folder.mkdir()
        self.export({})
        monkeypatch.setattr(server, "ETAB", self.etab)
        monkeypatch.setattr(server, "EXPORTS", self.main)

    def __call__(self, *command: str) -> Outcome:
        line = " ".join(command)
        self.ran.append(line)
        for beginning, answer in self.answers.items():
            if line.startswith(beginning):
                return answer()
        if command[0] == "unshare":
            tried = self._of_files(Path(command[-2]))
            Path(command[-1], "etab").write_text(self._text(tried))
        elif command[:2] == ("exportfs", "-a"):
            self.export(self.table() | self._of_files(self.folder))
        elif command[:2] == ("exportfs", "-u"):
            return self._unexport(command[2])
        return Outcome(0)

    def export(self, table: dict[Key, str]) -> None:
        self.etab.write_text(self._text(table))

    def table(self) -> dict[Key, str]:
        return self._rows(self.etab.read_text())

    def kill_at(self, command: str) -> None:
        def kill() -> Outcome:
            raise Killed

        self.answers = {command: kill}

    def exportfs(self) -> list[str]:
        return [line for line in self.ran if line.startswith("exportfs")]

    def _unexport(self, argument: str) -> Outcome:
        client, __, path = argument.rpartition(":")
        table = self.table()
        if table.pop((path, client.strip("[]")), None) is None:
            return Outcome(1, "", f"exportfs: Could not find '{argument}' to unexport.")
        self.export(table)
        return Outcome(0)

    def _of_files(self, folder: Path) -> dict[Key, str]:
        files = [self.main, *sorted(folder.glob("[!.]*.exports"))]
        texts = [path.read_text() for path in files if path.exists()]
        return self._rows("".join(texts))

    def _rows(self, text: str) -> dict[Key, str]:
        rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
        found = {}
        for path, *clients in rows:
            for client, __, options in (one.partition("(") for one in clients):
                found[path, self.named.get(client, client)] = options.rstrip(")")
        return found

    def _text(self, table: dict[Key, str]) -> str:
        return "".join(f"{path}\t{client}({SHOWN})\n" for path, client in table)
