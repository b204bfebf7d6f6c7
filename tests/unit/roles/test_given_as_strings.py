"""An inventory in INI format and `-e` give every value as a string: it means what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.holdfast.nfs.plugins.lookup.option_faults import LookupModule, faults
from jinja2 import nodes

from tests.unit.roles.expressions import Template, bare, printed, reached, templates
from tests.unit.roles.reading import HERE, PLAYBOOKS, ROLES, defaults, load, options, specifications
from tests.unit.roles.rendering import trusted

TEMPLATES = list(templates())
OPTIONS = {name: option for role in ROLES for name, option in options(role).items()}
CONVERTED = {
    name: str(option["type"])
    for name, option in OPTIONS.items()
    if option["type"] in {"bool", "int"}
}
STRUCTURED = {name for name, option in OPTIONS.items() if option["type"] in {"list", "dict"}}
FACTS = {"processor_vcpus": 4, "architecture": "x86_64", "interfaces": ["cni0"]}
# Each way to say no, yes, or a number that an inventory may have.
SPELLINGS: dict[str, list[tuple[bool | int, str]]] = {
    "bool": [(False, "false"), (False, "False"), (False, "no"), (True, "true"), (True, "yes")],
    "int": [(600, "600"), (1, "1")],
}


def variables() -> dict[str, Any]:
    """All roles' own, and what the tests' machine has of facts."""
    own: dict[str, Any] = {"ansible_facts": FACTS, "inventory_hostname": "node", "groups": {}}
    for role in ROLES:
        own |= {"role_path": str(role)} | defaults(role) | (load(role / "vars/main.yml") or {})
    return own | {"ansible_check_mode": False}


OWN = variables()


def evaluated(text: str, **given: Any) -> Any:
    """What Ansible makes of it where these are given; None where it needs what only a run has."""
    templar = Templar(loader=DataLoader(), variables=trusted(OWN | given))
    try:
        return templar.template(trust_as_template(text))
    except AnsibleError:
        return None


REACHED = [(template, reached(template, OWN)) for template in TEMPLATES]


@pytest.mark.parametrize("kind", ["bool", "int"])
def test_each_use_of_a_yes_or_a_number_converts_it(kind: str) -> None:
    names = {name: kind for name, its in CONVERTED.items() if its == kind}
    text_only = [
        f"{name} in {template}"
        for template in TEMPLATES
        for name in bare(template.parsed(), names)
        if kind == "bool" or name not in printed(template.parsed())
    ]

    assert text_only == []


@pytest.mark.parametrize("name", sorted(CONVERTED))
def test_a_string_and_the_value_it_names_have_the_same_effect(name: str) -> None:
    texts = [template.text for template, names in REACHED if name in names]

    differing = [
        (text, string)
        for text in texts
        for value, string in SPELLINGS[CONVERTED[name]]
        if evaluated(text, **{name: value}) != evaluated(text, **{name: string})
    ]

    assert texts != []
    assert differing == []


@pytest.mark.parametrize("name", sorted(set(CONVERTED) - {"kubernetes_node_drain_timeout"}))
def test_the_effect_of_each_can_be_seen_without_a_run(name: str) -> None:
    kind = CONVERTED[name]
    values = {value for value, _ in SPELLINGS[kind]}
    texts = [template.text for template, names in REACHED if name in names]

    assert any(
        len({repr(evaluated(text, **{name: value})) for value in values}) > 1 for text in texts
    )


def argument(path: str, *keys: str | int) -> str:
    found = load(HERE / path)
    for key in keys:
        found = found[key]
    assert isinstance(found, str)
    return found


def test_nfs_client_v3_false_as_a_string_does_not_open_port_111() -> None:
    state = argument("roles/nfs_client/tasks/settings.yml", 0, "holdfast.nfs.nfs_v3_units", "state")

    assert evaluated(state, nfs_client_v3="false") == "masked"
    assert evaluated(state, nfs_client_v3="true") == "answering"


@pytest.mark.parametrize(("said", "closed"), [("true", True), ("false", False)])
def test_nfs_server_firewall_as_a_string_is_a_condition(said: str, closed: bool) -> None:  # noqa: FBT001 - a case of the table
    tasks = load(HERE / "roles/nfs_server/tasks/main.yml")
    conditions = {
        task["ansible.builtin.include_tasks"]: evaluated(
            f"{{{{ {task['when']} }}}}", nfs_server_firewall=said
        )
        for task in tasks
        if "firewall" in task.get("ansible.builtin.include_tasks", "")
    }

    assert conditions == {"firewall.yml": closed, "firewall_removed.yml": not closed}


def test_pod_network_ready_timeout_600_as_a_string_is_a_number() -> None:
    block = load(HERE / "roles/pod_network/tasks/ready.yml")[0]["block"]

    assert evaluated(block[0]["retries"], pod_network_ready_timeout="600") == 120


def forms(value: Any) -> Iterator[str]:
    """The strings that somebody may give in place of a list or a mapping."""
    yield json.dumps(value)
    yield str(value)
    if isinstance(value, list):
        yield ",".join(map(str, value))
    yield ""


def said(role: str, **given: Any) -> Any:
    """What the lookup says of a role's variables."""
    templar = Templar(loader=DataLoader(), variables=trusted({**OWN, **given}))
    lookup = LookupModule(loader=DataLoader(), templar=templar)
    return lookup.run([role] if role else [], trusted({"inventory_hostname": "node", **given}))


# What YAML, and INI for a number, make of a value of another form; a mapping for a list and the
# other way round.
OTHER_FORMS: list[tuple[Any, str]] = [
    (4.2, "number"),
    (5, "number"),
    (True, "yes or no"),
    ({"key": "disk"}, "mapping"),
    (["a=b"], "list"),
]


@pytest.mark.parametrize("name", sorted(STRUCTURED))
def test_a_string_in_place_of_a_list_or_a_mapping_is_refused(name: str) -> None:
    role = next(role.name for role in ROLES if name in options(role))
    default = OWN[name]
    value = evaluated(default) if isinstance(default, str) else default

    for form in forms(value):
        (sentence,) = said(role, **{name: form})
        assert sentence.startswith(f"{name} is a string on node; write it as a ")
        assert f'-e \'{{"{name}": ' in sentence


@pytest.mark.parametrize("name", sorted(STRUCTURED))
def test_a_number_or_another_structure_in_place_of_a_list_or_a_mapping_is_refused(
    name: str,
) -> None:
    """Seen: `nfs_server_versions=4.2` in INI, and `kubernetes_node_taints: {key: …}`."""
    wanted = {"list": "list", "dict": "mapping"}[OPTIONS[name]["type"]]

    for value, form in OTHER_FORMS:
        if form != wanted:
            (sentence,) = said("", **{name: value})
            assert sentence.startswith(f"{name} is a {form} on node; write it as a {wanted} in a ")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("container_runtime_packages", [None], "has no value on node; remove it, or give it one."),
        ("nfs_server_exports", [None], "has no value on node; remove it, or give it one."),
        (
            "kubernetes_node_kubelet_arguments",
            [{"--v": 3}],
            "is a mapping on node; write it as a string.",
        ),
        (
            "kubernetes_node_taints",
            [7],
            "is a number on node; write it as a mapping of key, value, effect.",
        ),
    ],
)
def test_an_entry_of_another_form_is_refused(name: str, value: Any, told: str) -> None:
    assert said("", **{name: value}) == [f"{name}, entry 1, {told}"]


def test_a_list_or_a_mapping_in_place_of_a_text_is_refused() -> None:
    (sentence,) = said("", control_plane_endpoint=["k8s.example.com"])

    assert sentence.startswith("control_plane_endpoint is a list on node; write it as a string in")
    assert said("", kubernetes_node_directory={"a": 1})[0].startswith(
        "kubernetes_node_directory is a mapping on node; "
    )


def test_a_number_may_stand_for_a_text_and_a_yes_for_no_number() -> None:
    assert said("", nfs_server_versions=[4.2], control_plane_cluster_domain=5) == []
    assert said("", etcd_snapshots_keep=True) == [
        "etcd_snapshots_keep is True on node; write a whole number."
    ]


@pytest.mark.parametrize("name", sorted({*STRUCTURED, *CONVERTED}))
def test_a_variable_without_a_value_is_refused(name: str) -> None:
    (sentence,) = said("", **{name: None})

    assert sentence.startswith(f"{name} has no value on node; remove it")


def test_the_defaults_of_all_roles_are_of_the_form_that_they_need() -> None:
    plain = {name: OWN[name] for name in {*STRUCTURED, *CONVERTED} if name in OWN}

    assert said("", **plain) == []


def test_an_entry_that_is_a_string_is_refused_with_the_form_that_is_wanted() -> None:
    (sentence,) = said("nfs_server", nfs_server_exports=["/srv *(rw)"])
    (other,) = said("nfs_client", nfs_client_test_mounts=[{"source": "a:/b"}, "a:/b"])

    assert sentence == (
        "nfs_server_exports, entry 1, is a string on node; write it as a mapping: "
        '{"path": "/srv", "clients": ["*"], "options": ["rw"]}.'
    )
    assert other == (
        "nfs_client_test_mounts, entry 2, is a string on node; write it as a mapping of source, "
        "options."
    )


def test_a_template_is_judged_by_what_it_gives() -> None:
    assert said("", nfs_server_exports="{{ [] }}") == []
    assert len(said("", nfs_server_exports="{{ 'a' ~ 'b' }}")) == 1


def test_a_value_that_needs_what_is_not_known_yet_is_left_to_the_role() -> None:
    assert said("", nfs_server_exports="{{ known_later }}") == []


def test_other_options_may_be_strings_and_have_no_value() -> None:
    assert list(faults("x", {"type": "str"}, "text", "node")) == []
    assert list(faults("x", {"type": "int"}, "5", "node")) == []
    assert list(faults("x", {"type": "str"}, None, "node")) == []


def files(role: Path, entry: str) -> set[Path]:
    """The files of the role that an entry point runs or reads."""
    found, left = set[Path](), {role / f"tasks/{entry}.yml"}
    texts = {path: path.read_text(encoding="utf-8") for path in role.rglob("*") if path.is_file()}
    while left:
        found |= left
        left = {
            path
            for path, text in texts.items()
            if path not in found
            and path.parent.name in {"tasks", "templates"}
            and any(
                f" {path.name}" in texts[one] or f"'{path.name}'" in texts[one] for one in found
            )
        }
    return found


@pytest.mark.parametrize(
    ("role", "entry"),
    [(role, entry) for role in ROLES for entry in specifications(role)],
    ids=lambda value: getattr(value, "name", value),
)
def test_an_entry_point_that_uses_a_list_or_a_mapping_checks_its_form(
    role: Path, entry: str
) -> None:
    ran = files(role, entry)
    used = {
        name
        for template, names in REACHED
        if template.file in ran
        for name in names & STRUCTURED
        if name.startswith(f"{role.name}_")
    }

    checked = any("holdfast.nfs.option_faults" in path.read_text() for path in ran)
    assert checked or not used


def test_preflight_looks_at_the_variables_of_all_roles_before_any_role_does() -> None:
    play = next(one for one in load(HERE / "playbooks/preflight.yml") if "strategy" in one)
    first = play["tasks"][0]["block"][0]

    assert first["vars"]["__option_faults"] == "{{ query('holdfast.nfs.option_faults') }}"
    assert HERE / "playbooks/preflight.yml" in PLAYBOOKS


def test_a_reset_looks_at_the_variables_of_all_machines_before_it_asks() -> None:
    """Seen: exports from an INI inventory were a TypeError where the plan is shown."""
    play = next(play for play in load(HERE / "playbooks/reset.yml") if "tasks" in play)
    first = play["tasks"][0]

    assert first["vars"]["__option_faults"] == "{{ query('holdfast.nfs.option_faults') }}"
    assert "run_once" not in first
    assert play["any_errors_fatal"] is True


def test_the_search_finds_what_it_is_for() -> None:
    names = {"a_b": "bool"}

    def found(text: str) -> list[str]:
        return list(bare(Template(HERE, text).parsed(), names))

    assert found("{{ 1 if a_b else 2 }}") == ["a_b"]
    assert found("{{ not a_b }}") == ["a_b"]
    assert found("{% if a_b %}x{% endif %}") == ["a_b"]
    assert found("{{ a_b | default(false) }}") == ["a_b"]
    assert found("{{ a_b | default(false) | bool }}") == []
    assert found("{{ not a_b | bool }}") == []
    assert found("{{ (a_b + 1) | bool }}") == ["a_b"]
    assert isinstance(Template(HERE, "{{ a_b }}").parsed(), nodes.Template)
