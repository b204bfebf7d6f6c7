"""What of the roles' variables has another form than they need, a sentence each."""

from __future__ import annotations

DOCUMENTATION = r"""
name: option_faults
short_description: Find variables of roles that have a form which the roles cannot use
description:
  - An inventory in INI format and C(-e NAME=VALUE) give every value as a string. The specification
    of a role takes such a string for a list, but the role would take its letters for the elements.
  - A number, a mapping or a list in place of another form is refused as well, and so are elements
    of a list that have no value or another form.
  - A value that is none of those that a variable may have, or no number where one is wanted, is
    another form as well.
  - A URL with a user or a password in it is refused as well, as output, logs and lists of processes
    would show it. Variables that are mappings have keys of their own for logins.
  - Returns a sentence for each variable that a machine has in a form that its role cannot use; none
    for a variable that the machine does not have.
options:
  _terms:
    description: The names of roles of this collection; all of them if there is none.
    type: list
    elements: str
author: Holdfast (@holdfast-io)
"""

EXAMPLES = r"""
- name: Refuse lists and mappings that are given as strings
  ansible.builtin.assert:
    that: query('holdfast.nfs.option_faults', 'nfs_server') is falsy
    fail_msg: "{{ query('holdfast.nfs.option_faults', 'nfs_server') | join(' ') }}"
"""

RETURN = r"""
_raw:
  description: The sentences.
  type: list
  elements: str
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleTemplateError
from ansible.module_utils.common.validation import check_type_bool, check_type_int
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.lookup import LookupBase
from ansible_collections.holdfast.nfs.plugins.module_utils.logins import has_login, login_fault
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.exports import form_of

ROLES = Path(__file__).parents[2] / "roles"
WANTED = {"list": "list", "dict": "mapping", "str": "string", "path": "string"}
EXAMPLE = {"list": "[…]", "dict": "{…}", "str": '"…"', "path": '"…"'}
# A role is at a loss with none of these; a string may be missing.
NEEDED = ("list", "dict", "bool", "int")
# What may have a URL in it.
TEXTS = ("str", "list")
# By their forms in Python; a yes is a whole number there.
CALLED: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "string"),
    (Mapping, "mapping"),
    ((list, tuple), "list"),
    (bool, "yes or no"),
    ((int, float), "number"),
)
READ: dict[str, tuple[Any, str]] = {
    "bool": (check_type_bool, "true or false"),
    "int": (check_type_int, "a whole number"),
}
# How an entry that was given as a string is written, where a program has a language for it.
FORMS = {"nfs_server_exports": form_of}

Option = Mapping[str, Any]


class LookupModule(LookupBase):
    """`query('option_faults', 'nfs_server')`."""

    def run(self, terms: list[str], variables: Any = None, **_: Any) -> list[str]:
        """The sentences for the machine whose variables these are."""
        machine = str(variables["inventory_hostname"])
        return [
            fault
            for name, option in options(terms).items()
            if name in variables and (option["type"] in (*NEEDED, *WANTED) or "choices" in option)
            for value in self._known(variables[name])
            for fault in faults(name, option, value, machine)
        ]

    def _known(self, raw: object) -> list[object]:
        """The value, where it can be told here: one with another role's default in it cannot."""
        templar: Any = self._templar
        try:
            return [templar.template(raw)]
        except AnsibleTemplateError:
            return []


def options(roles: Sequence[str]) -> dict[str, Option]:
    """The options of all entry points of these roles, or of all roles."""
    folders = [ROLES / role for role in roles] or sorted(ROLES.iterdir())
    texts = [(folder / "meta/argument_specs.yml").read_text("utf-8") for folder in folders]
    entries = [entry for text in texts for entry in _entries(text)]
    # The first entry point that has an option describes it.
    return {
        name: option
        for entry in reversed(entries)
        for name, option in entry.get("options", {}).items()
    }


def _entries(text: str) -> list[Option]:
    return list(yaml_load(text)["argument_specs"].values())


def faults(name: str, option: Option, value: object, machine: str) -> Iterator[str]:
    """What a role cannot use of a variable.

    Args:
        name: of the variable
        option: its specification
        value: which the machine has
        machine: its name in the inventory
    """
    kind = option["type"]
    if value is None and kind in NEEDED:
        yield (
            f"{name} has no value on {machine}; remove it, so that the default holds, or give it "
            "one."
        )
    elif _has_other_form(kind, value):
        yield (
            f"{name} is a {called(value)} on {machine}; write it as a {WANTED[kind]} in a YAML "
            f"file, such as group_vars, or as JSON: -e '{{\"{name}\": {EXAMPLE[kind]}}}'."
        )
    elif entries := [*_wrong_entries(name, option, value, machine)]:
        yield from entries
    elif option.get("elements") == "dict":
        return  # Ansible looks at what is in them
    elif kind in TEXTS and has_login(value):
        yield login_fault(name, machine)
    else:
        yield from _not_allowed(name, option, value, machine)


def called(value: object) -> str:
    """What the form of a value is called."""
    names = (name for form, name in CALLED if isinstance(value, form))
    return next(names, type(value).__name__)


def _has_other_form(kind: str, value: object) -> bool:
    """Whether a value has another form than it needs; a number may stand for a string."""
    form = called(value)
    wanted = WANTED.get(kind, form)
    return form in {"list", "mapping"} if wanted == "string" else form != wanted


def _not_allowed(name: str, option: Option, value: object, machine: str) -> Iterator[str]:
    allowed = [str(choice) for choice in option.get("choices", ())]
    values = value if isinstance(value, list) else [value]
    if wrong := [str(one) for one in values if allowed and str(one) not in allowed]:
        yield f"{name} is {', '.join(wrong)} on {machine}; use one of {', '.join(allowed)}."
    elif option["type"] in READ and not _is_read(option["type"], value):
        yield f"{name} is {value!r} on {machine}; write {READ[option['type']][1]}."


def _is_read(kind: str, value: object) -> bool:
    if kind == "int" and isinstance(value, bool):
        return False
    try:
        READ[kind][0](value)
    except TypeError:
        return False
    return True


def _wrong_entries(name: str, option: Option, value: object, machine: str) -> Iterator[str]:
    """The entries of a list that have no value, or another form than they need."""
    elements = option.get("elements", "")
    entries = value if isinstance(value, list) else []
    for number, entry in enumerate(entries, start=1):
        if entry is None:
            yield (f"{name}, entry {number}, has no value on {machine}; remove it, or give it one.")
        elif _has_other_form(elements, entry):
            form = _wanted_entry(name, option, entry)
            yield f"{name}, entry {number}, is a {called(entry)} on {machine}; {form}."


def _wanted_entry(name: str, option: Option, entry: object) -> str:
    if name in FORMS and isinstance(entry, str):
        return FORMS[name](entry)
    wanted = WANTED[option["elements"]]
    fields = f" of {', '.join(option['options'])}" if "options" in option else ""
    return f"write it as a {wanted}{fields}"
