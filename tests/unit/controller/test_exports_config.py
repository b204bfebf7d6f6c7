"""The file that lists several exports: what it says, and which field is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.claims.build_volume import Address
from holdfast.claims.errors import Refused
from holdfast.claims.ownership import Ownership
from holdfast.controller.exports_config import parse, read_exports
from holdfast.controller.settings import ExportSettings

TWO = """
exports:
  - name: fast
    server: nas
    path: /srv/fast
    serverAliases: [192.0.2.1]
    mount: /mnt/fast
    deadline: 12.5
    mode: "2770"
    uid: 1000
    gid: "1001"
  - {name: slow, server: nas, path: /srv/slow}
"""


def one(fields: str) -> str:
    """A file with one export, named a at nas:/srv, and these fields of it, the first in place."""
    first = fields.partition(":")[0]
    usual = {"name": "a", "server": "nas", "path": "/srv"}
    others = ", ".join(f"{name}: {value}" for name, value in usual.items() if name != first)
    return f"exports: [{{{others}, {fields}}}]"


def two(first: str, second: str) -> str:
    """A file with two exports."""
    return f"exports: [{{{first}}}, {{{second}}}]"


def test_every_field_is_read_and_what_is_left_out_has_a_default() -> None:
    assert parse(TWO) == (
        ExportSettings(
            name="fast",
            address=Address("nas", "/srv/fast", frozenset({"192.0.2.1"})),
            root=Path("/mnt/fast"),
            deadline=12.5,
            ownership=Ownership(0o2770, 1000, 1001),
        ),
        ExportSettings(
            name="slow",
            address=Address("nas", "/srv/slow"),
            root=Path("/exports/slow"),
            deadline=30.0,
            ownership=None,
        ),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "this is not YAML"),
        ("", "give a list `exports`"),
        ("[]", "give a list `exports`"),
        ("exports: []", "the list `exports` is empty"),
        ("exports: {}", "give a list `exports`"),
        (f"{TWO}\nworkers: 3", "^workers is unknown: give a list `exports`, and nothing beside it"),
        ("export: [{name: a}]", "^export is unknown: give a list `exports`"),
        ("1: [{name: a}]", "^1 is unknown: give a list `exports`"),
        ("exports: [fast]", r"exports\[0\] is 'fast': give a mapping"),
        ("exports: [{server: nas, path: /a}]", r"exports\[0\]\.name is missing"),
        ("exports: [{name: a, path: /a}]", r"exports\[0\]\.server is missing"),
        ("exports: [{name: a, server: nas}]", r"exports\[0\]\.path is missing"),
        (one("sever: nas"), r"exports\[0\]\.sever is unknown; the fields are name, server"),
        (one("name: A"), r"exports\[0\]\.name is 'A'; it must be at most 63 lower-case"),
        (one(f"name: {'a' * 64}"), "at most 63"),
        (one("name: 1"), r"\.name is 1, which is text only in quotes; it must be at most 63"),
        (one("name: on"), r"\.name is True, which is text only in quotes;"),
        (one("name: null"), r"\.name is None; it must be"),
        (one("server: ' '"), r"\.server is ' '; it must be text without white space"),
        (one("server: nas:/srv"), r"\.server is 'nas:/srv'; it must be a host name"),
        (one("serverAliases: ['nas:/srv']"), r"\.serverAliases is 'nas:/srv'; it must be a host"),
        (one("path: srv"), r"\.path is 'srv'; it must be an absolute path"),
        (one("path: /srv/../etc"), r"without '\.\.'"),
        (one("mount: mnt"), r"\.mount is 'mnt'; it must be an absolute path"),
        (one("serverAliases: nas2"), r"\.serverAliases is 'nas2'; it must be a list"),
        (one("serverAliases: [1]"), r"\.serverAliases is 1, which is text only in quotes; it must"),
        (one("mount: /"), r"\.mount is '/'; it must be a folder of its own, such as /exports/NAME"),
        (one("mount: //."), r"\.mount is '//\.'; it must be a folder of its own"),
        (one("deadline: 0.5"), r"\.deadline is 0\.5; it must be a number of seconds"),
        (one("deadline: .nan"), r"\.deadline is nan"),
        (one("deadline: true"), r"\.deadline is True"),
        (one("deadline: 3601"), "from 1 to 3600"),
        (one("mode: 0770"), r"\.mode is 504; it must be in quotes"),
        (one("mode: '888'"), r"\.mode '888' is not a mode"),
        (one("uid: true"), r"\.uid is True; it must be a number"),
        (one("gid: -1"), r"\.gid '-1' is not a user or group id"),
        (
            two("name: a, server: nas, path: /a", "name: a, server: nas, path: /b"),
            "two exports have the name 'a'",
        ),
        (
            two("name: a, server: nas, path: /srv", "name: b, server: NAS., path: /srv/b/"),
            "'a' and 'b' overlap, at nas:/srv and",
        ),
        (
            two(
                "name: a, server: nas, path: /srv, serverAliases: [192.0.2.1]",
                "name: b, server: 192.0.2.1, path: /srv",
            ),
            "'a' and 'b' overlap",
        ),
        *(
            (
                two(f"name: a, server: nas, path: {one}", f"name: b, server: nas, path: {other}"),
                "'a' and 'b' overlap",
            )
            for one, other in (("/srv//a", "/srv/a"), ("/srv", "/./srv/x"), ("/srv/.", "/srv/b"))
        ),
        (
            two(
                "name: a, server: nas, path: /a, mount: //m",
                "name: b, server: nas, path: /b, mount: /m/./b",
            ),
            "mounted within each other, at //m and /m/b",
        ),
        (
            two(
                "name: a, server: nas, path: /a, mount: /m",
                "name: b, server: nas, path: /b, mount: /m/b",
            ),
            "mounted within each other, at /m and /m/b: give each a `mount` of its own",
        ),
    ],
)
def test_a_mistake_is_refused_with_the_name_of_its_field(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        parse(text)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2024-02-30", "^line 2 has an invalid value: day is out of range for month"),
        ("!!int '1k'", "^line 2 has an invalid value: invalid literal for int"),
        ("!!int ''", "^line 2 has an invalid value: string index out of range"),
        ("!!timestamp soon", "^line 2 has an invalid value: .*NoneType"),
        ("!!bool maybe", "^line 2 has an invalid value: 'maybe'"),
        ("9" * 5000, "^line 2 has an invalid value: Exceeds the limit"),
        ("0x" + "f" * 5000, "^this has an invalid value: Exceeds the limit"),
        ("[" * 5000, "^this is nested too deeply"),
        ("{a: " * 5000, "^this is nested too deeply"),
        ("[*b]", "^this is not YAML: found undefined alias 'b', in line 2"),
        ("&b [*b]", r"is \[\[\.\.\.\]\]"),
        ("!!python/name:os.system x", "^this is not YAML: could not determine a constructor"),
    ],
)
@pytest.mark.parametrize("field", ["name", "uid", "odd"])
def test_no_value_raises_anything_else_and_its_line_is_named(
    field: str, value: str, said: str
) -> None:
    if field == "odd" and value in {"&b [*b]", "0x" + "f" * 5000}:
        said = r"exports\[0\]\.odd is unknown"
    with pytest.raises(Refused, match=said):
        parse(f"exports:\n- {{server: nas, path: /srv, {field}: {value}}}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{TWO}{TWO}", "^line 14 gives exports again, after line 2: keep one of them"),
        ("exports:\n- server: a\n  'server': b", "^line 3 gives server again, after line 2"),
        (one("uid: 1, uid: 1"), "^line 1 gives uid again, after line 1"),
        (one("x: {y: {z: 1,\nz: 2}}"), "^line 2 gives z again, after line 1"),
        (one("x: {1: a,\n1: b}"), "^line 2 gives 1 again"),
        (one(r'"\ud800": 1, "\ud800": 2'), r"^line 1 gives '\\ud800' again"),
    ],
)
def test_a_key_that_is_given_twice_is_refused_with_both_lines(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        parse(text)


def test_a_key_may_replace_one_that_is_merged_in() -> None:
    merged = parse(
        "exports:\n- &a {name: a, server: nas, path: /a}\n- {<<: *a, name: b, path: /b}\n"
        "- {<<: *a, name: c, path: /c}"
    )

    assert [str(export.address) for export in merged] == ["nas:/a", "nas:/b", "nas:/c"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exports: [", "parsing a flow node, expected the node content, but found '<stream end>'"),
        ("exports:\n- {},", "parsing a block mapping, expected <block end>, but found ','"),
        ("exports: 'a", "scanning a quoted scalar, found unexpected end of stream"),
    ],
)
def test_a_mistake_in_the_syntax_is_told_in_a_line(text: str, said: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(text)

    number = text.count("\n") + 1
    assert caught.value.message == f"this is not YAML: while {said}, in line {number}"


def test_a_character_that_yaml_does_not_have_is_told_in_a_line() -> None:
    said = "this is not YAML: unacceptable character #x0000: special characters are not allowed"

    with pytest.raises(Refused, match=f"^{said}$"):
        parse("exports: \0")


def test_a_second_document_is_no_mistake_in_the_syntax() -> None:
    with pytest.raises(Refused, match=r"^a second document begins in line 13: list all exports in"):
        parse(f"{TWO}---\n{TWO}")


@pytest.mark.parametrize("field", ["server", "path", "mount"])
@pytest.mark.parametrize("bad", ["\\0", "\\ud800", "\\x1b[2J", "\\u2028"])
def test_a_character_that_is_not_to_be_printed_is_refused(field: str, bad: str) -> None:
    with pytest.raises(Refused, match="without white space and control characters") as caught:
        parse(one(f'{field}: "/srv{bad}"'))

    assert caught.value.message.isprintable()


def test_an_unknown_field_is_named_in_characters_that_can_be_printed() -> None:
    with pytest.raises(Refused, match=r"exports\[0\]\.'\\ud800' is unknown") as caught:
        parse(one(r'"\ud800": x'))

    assert caught.value.message.isprintable()


def test_the_same_path_of_two_servers_is_two_exports() -> None:
    both = parse(two("name: a, server: nas, path: /srv", "name: b, server: ssd, path: /srv"))

    assert [str(export.address) for export in both] == ["nas:/srv", "ssd:/srv"]


def test_what_is_wrong_with_a_file_is_said_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "exports.yaml"
    with pytest.raises(Refused, match=rf"cannot read {path}"):
        read_exports(path)

    path.write_text("exports: []")

    with pytest.raises(Refused, match=rf"{path}: the list `exports` is empty"):
        read_exports(path)

    path.write_text(TWO)
    assert [export.name for export in read_exports(path)] == ["fast", "slow"]
