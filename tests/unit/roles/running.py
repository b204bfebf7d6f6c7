"""A module's main(), run as Ansible runs it, with programs that answer as they are told to."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

Result = dict[str, Any]
Answer = tuple[int, str, str]


def run(main: Callable[[], None], *, check: bool = False, **arguments: Any) -> Result:
    """What the module returns; `failed` is in it where it failed."""
    said = io.StringIO()
    given = {"_ansible_check_mode": check, "_ansible_diff": True, **arguments}
    with patch_module_args(given), redirect_stdout(said), pytest.raises(SystemExit) as ended:
        main()
    result: Result = json.loads(said.getvalue())
    assert bool(ended.value.code) is result.get("failed", False)
    return result


def refusal(main: Callable[[], None], **arguments: Any) -> str:
    """The sentence with which the module fails."""
    result = run(main, **arguments)
    assert result.get("failed") is True
    return str(result["msg"])


def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What modules write to the machine's log from now on."""
    lines: list[str] = []

    def note(_: AnsibleModule, text: str, log_args: object = None) -> None:
        lines.append(f"{text} {log_args}")

    monkeypatch.setattr(AnsibleModule, "log", note)
    return lines


def program(lines: str) -> str:
    """A program in Python, for a test to write to a file."""
    return f"#!{sys.executable}\n{lines}"


class Programs:
    """Answers commands by the longest beginning of theirs that it knows; notes what was run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, Answer] = {}
        self.ran: list[str] = []
        self.warned: list[str] = []

        def run_command(_: AnsibleModule, command: list[str], **__: Any) -> Answer:
            return self.answer(" ".join(command))

        monkeypatch.setattr(AnsibleModule, "run_command", run_command)
        monkeypatch.setattr(AnsibleModule, "warn", lambda _, text: self.warned.append(text))

    def answer(self, line: str) -> Answer:
        self.ran.append(line)
        known = [beginning for beginning in self.answers if line.startswith(beginning)]
        return self.answers[max(known, key=len)] if known else (0, "", "")

    def result(self, main: Callable[[], None], *, check: bool = False, **arguments: Any) -> Result:
        """What the module returned, or failed with, without what it was called with."""
        found = run(main, check=check, **arguments)
        del found["invocation"]
        return found
