"""A module's `main`, as Ansible calls it, with programs that answer as they are told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

Answer = tuple[int, str, str]


class Programs:
    """Answers commands by the longest beginning of theirs that it knows; notes what was run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.answers: dict[str, Answer] = {}
        self.ran: list[str] = []
        self.warned: list[str] = []
        self._capsys = capsys

        def run_command(_: AnsibleModule, command: list[str], **__: Any) -> Answer:
            return self.answer(" ".join(command))

        monkeypatch.setattr(AnsibleModule, "run_command", run_command)
        monkeypatch.setattr(AnsibleModule, "warn", lambda _, text: self.warned.append(text))

    def answer(self, line: str) -> Answer:
        self.ran.append(line)
        known = [beginning for beginning in self.answers if line.startswith(beginning)]
        return self.answers[max(known, key=len)] if known else (0, "", "")

    def result(
        self, main: Callable[[], None], *, check: bool = False, **params: Any
    ) -> dict[str, Any]:
        """What the module returned, or failed with."""
        said = {**params, "_ansible_check_mode": check}
        with patch_module_args(said), pytest.raises(SystemExit):
            main()
        found: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        del found["invocation"]
        return found
