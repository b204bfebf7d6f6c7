"""Every option has a variable that its help names, and says in a sentence what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from holdfast import __version__
from holdfast.claims.build_volume import Address
from holdfast.claims.ownership import Ownership
from holdfast.cli import main
from holdfast.cli.run import _settings, run
from holdfast.controller.settings import Settings

NEEDED = {
    "PROVISIONER_NAME": "example.com/nfs",
    "NFS_SERVER": "nfs.example.com",
    "NFS_PATH": "/export",
    "KUBECONFIG": "/nonexistent/config",
}
WRONG = [
    ("PROVISIONER_NAME", "two words"),
    ("NFS_SERVER", "two words"),
    ("NFS_PATH", "relative"),
    ("NFS_PATH", "/export/../other"),
    ("ENABLE_LEADER_ELECTION", "maybe"),
    ("NFS_DEFAULT_MODE", "rwx"),
    ("NFS_DEFAULT_MODE", "888"),
    ("NFS_DEFAULT_MODE", "17777"),
    ("NFS_DEFAULT_UID", "-1"),
    ("NFS_DEFAULT_UID", "root"),
    ("NFS_DEFAULT_GID", "4294967295"),
    ("HOLDFAST_FINALIZER", "perhaps"),
    ("HOLDFAST_HTTP", "8080"),
    ("HOLDFAST_HTTP", ":65536"),
    ("HOLDFAST_HTTP", ":http"),
    ("HOLDFAST_HTTP", ":\u0668\u0660"),
    ("HOLDFAST_HTTP", f":{'8' * 5000}"),
    ("HOLDFAST_WORKERS", "0"),
    ("HOLDFAST_WORKERS", "many"),
    ("HOLDFAST_WORKERS", "\u0668"),
    ("HOLDFAST_WORKERS", "8" * 5000),
    ("HOLDFAST_EXPORT_DEADLINE", "0"),
    ("HOLDFAST_EXPORT_DEADLINE", "nan"),
    ("HOLDFAST_EXPORT_DEADLINE", "inf"),
    ("HOLDFAST_EXPORT_DEADLINE", "soon"),
    ("HOLDFAST_LOG_FORMAT", "xml"),
    ("HOLDFAST_LOG_LEVEL", "loud"),
    ("HOLDFAST_TAKES_OVER", "x"),
    ("HOLDFAST_ROOT", "export"),
    ("HOLDFAST_ROOT", "./export"),
    ("HOLDFAST_ROOT", "/mnt/../export"),
    ("HOLDFAST_ROOT", "/"),
]


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """The environment of a Deployment: what is needed, and these."""
    for command in main.commands.values():
        for option in command.params:
            if isinstance(option.envvar, str):
                monkeypatch.delenv(option.envvar, raising=False)
    for name, value in (NEEDED | variables).items():
        monkeypatch.setenv(name, value)


def settings_from(monkeypatch: pytest.MonkeyPatch, *arguments: str, **variables: str) -> Settings:
    """What `holdfast run` makes of its environment and arguments."""
    given(monkeypatch, **variables)
    parameters = run.make_context("run", list(arguments)).params
    del parameters["log_format"], parameters["log_level"]
    return _settings(**parameters)


@pytest.mark.parametrize(("variable", "value"), WRONG)
def test_a_wrong_value_is_a_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    given(monkeypatch, **{variable: value})

    result = CliRunner().invoke(main, ["run"])

    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert f"(env var: '{variable}')" in result.output
    assert value in result.output


@pytest.mark.parametrize("value", ["0", "65", "many", "1.5"])
def test_the_number_of_workers_says_which_are_possible(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    given(monkeypatch, HOLDFAST_WORKERS=value)

    assert "give a number of workers from 1 to 64" in CliRunner().invoke(main, ["run"]).output


@pytest.mark.parametrize("command", [["run"], ["check"], ["exports", "accept", "--yes"]])
@pytest.mark.parametrize("root", ["", "export"])
def test_the_current_folder_is_never_taken_for_the_export(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str], root: str
) -> None:
    given(monkeypatch)
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, [*command, "--root", root])

    assert result.exit_code == 2
    said = f"{root!r} is not absolute: give the folder where the export is mounted"
    assert said in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("run", "--takes-over"),
        ("run", "--nfs-server-alias"),
        ("check", "--nfs-server-alias"),
        ("run", "--also-known-as"),
        ("volumes", "--also-known-as"),
        ("volumes", "--provisioner-name"),
    ],
)
@pytest.mark.parametrize("value", ["", "a b"])
def test_an_empty_name_and_two_in_one_are_refused(
    monkeypatch: pytest.MonkeyPatch, command: str, option: str, value: str
) -> None:
    given(monkeypatch)

    result = CliRunner().invoke(main, [command, option, value])

    assert result.exit_code == 2
    assert repr(value) in result.output


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file with one export."""
    path = tmp_path / "exports.yaml"
    path.write_text("exports: [{name: fast, server: nas, path: /srv}]")
    return str(path)


COMMANDS = [["run"], ["check"], ["exports", "show"], ["exports", "accept"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_address_from_the_environment_beside_a_file_is_named(
    monkeypatch: pytest.MonkeyPatch, file: str, command: list[str]
) -> None:
    """In the pod of the chart of one export, nobody has given these options."""
    given(monkeypatch)

    result = CliRunner().invoke(main, [*command, "--config", file])

    said = " ".join(result.output.split())
    assert result.exit_code == 2
    assert said.endswith("--config lists the exports: unset NFS_SERVER and NFS_PATH")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "field",
    [
        ("--nfs-server", "NFS_SERVER", "nas"),
        ("--nfs-path", "NFS_PATH", "/srv"),
        ("--nfs-server-alias", "HOLDFAST_NFS_SERVER_ALIASES", "nas"),
        ("--root", "HOLDFAST_ROOT", "/persistentvolumes"),
    ],
)
def test_what_the_file_says_of_an_export_is_refused_beside_it(
    monkeypatch: pytest.MonkeyPatch, file: str, command: list[str], field: tuple[str, str, str]
) -> None:
    _refuses_beside(monkeypatch, file, command, *field)


def test_a_deadline_is_refused_beside_a_file(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    _refuses_beside(
        monkeypatch, file, ["run"], "--export-deadline", "HOLDFAST_EXPORT_DEADLINE", "30"
    )


def _refuses_beside(
    monkeypatch: pytest.MonkeyPatch, file: str, command: list[str], *field: str
) -> None:
    option, variable, value = field
    given(monkeypatch, NFS_SERVER="", NFS_PATH="")
    by_option = CliRunner().invoke(main, [*command, "--config", file, option, value])
    monkeypatch.setenv(variable, value)
    by_variable = CliRunner().invoke(main, [*command, "--config", file])

    for result, advice in (by_option, f"do not give {option}"), (by_variable, f"unset {variable}"):
        assert result.exit_code == 2
        said = " ".join(result.output.split())
        assert said.endswith(f"--config lists the exports: {advice}")


@pytest.mark.parametrize("option", ["--nfs-server", "--nfs-server-alias"])
def test_a_server_with_its_path_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    given(monkeypatch)

    done = CliRunner().invoke(main, ["check", option, "nas:/srv"])

    assert done.exit_code == 2
    assert option in done.output
    assert "'nas:/srv' contains a slash: give the host name or address alone" in done.output


@pytest.mark.parametrize("name", ["run", "check", "volumes", "exports"])
def test_the_help_of_a_command_names_every_variable(name: str) -> None:
    command = main.commands[name]

    shown = CliRunner().invoke(main, [name, "--help"])

    variables = [option.envvar for option in command.params if option.envvar]
    assert shown.exit_code == 0
    assert variables
    for variable in variables:
        assert f"env var: {variable}" in " ".join(shown.output.split())


@pytest.mark.parametrize(
    "command",
    [
        ["run"],
        ["check"],
        ["volumes"],
        ["exports"],
        ["exports", "accept"],
        ["exports", "show"],
        ["uninstall"],
    ],
    ids=" ".join,
)
def test_the_help_of_a_command_says_how_it_ends(command: list[str]) -> None:
    shown = " ".join(CliRunner().invoke(main, [*command, "--help"]).output.split())

    assert "Exits with 0" in shown
    assert "2 for an invalid option" in shown


def test_every_option_of_run_has_a_variable() -> None:
    """A Deployment is configured by its environment alone."""
    options = [one for one in run.params if isinstance(one, click.Option) and one.name != "help"]

    assert [option.name for option in options if not option.envvar] == []


def test_the_version_is_the_package_s() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).output


class TestSettings:
    def test_the_environment_of_nfs_subdir_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = settings_from(monkeypatch)

        assert settings.provisioner.name == "example.com/nfs"
        assert settings.provisioner.ownership == Ownership(0o777, None, None)
        assert settings.provisioner.finalizer
        assert settings.exports[0].address == Address("nfs.example.com", "/export")
        assert settings.exports[0].root == Path("/persistentvolumes")
        assert settings.leader_election
        assert (settings.http_host, settings.http_port) == ("", 8080)
        assert (settings.workers, settings.exports[0].deadline) == (8, 30.0)

    def test_every_variable_is_heeded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = settings_from(
            monkeypatch,
            ENABLE_LEADER_ELECTION="F",
            NFS_DEFAULT_MODE="2770",
            NFS_DEFAULT_UID="1000",
            NFS_DEFAULT_GID="70000",
            HOLDFAST_ALSO_KNOWN_AS="former.example.com/nfs cluster.local/nfs",
            HOLDFAST_NFS_SERVER_ALIASES="192.0.2.1 nas",
            HOLDFAST_TAKES_OVER="E4F1C2D0-0000-4000-8000-00000000000E",
            HOLDFAST_FINALIZER="false",
            HOLDFAST_ROOT="/mnt/export",
            HOLDFAST_HTTP="[::1]:9090",
            HOLDFAST_WORKERS="16",
            HOLDFAST_EXPORT_DEADLINE="12.5",
        )

        assert not settings.leader_election
        assert settings.provisioner.ownership == Ownership(0o2770, 1000, 70000)
        assert settings.provisioner.also == {"former.example.com/nfs", "cluster.local/nfs"}
        assert settings.exports[0].address.aliases == {"192.0.2.1", "nas"}
        assert settings.provisioner.takes_over == {"e4f1c2d0-0000-4000-8000-00000000000e"}
        assert not settings.provisioner.finalizer
        assert settings.exports[0].root == Path("/mnt/export")
        assert (settings.http_host, settings.http_port) == ("::1", 9090)
        assert (settings.workers, settings.exports[0].deadline) == (16, 12.5)
        assert settings.kubeconfig == "/nonexistent/config"

    def test_an_empty_variable_counts_as_not_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Charts often write them so."""
        settings = settings_from(
            monkeypatch,
            NFS_DEFAULT_MODE="",
            NFS_DEFAULT_UID="",
            ENABLE_LEADER_ELECTION="",
            HOLDFAST_NFS_SERVER_ALIASES="",
            HOLDFAST_ALSO_KNOWN_AS="",
            HOLDFAST_TAKES_OVER="",
        )

        assert settings.provisioner.ownership == Ownership()
        assert not settings.provisioner.also
        assert settings.leader_election

    def test_an_option_wins_over_its_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = settings_from(monkeypatch, "--nfs-path", "/other", NFS_PATH="/export")

        assert settings.exports[0].address.path == "/other"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--default-mode", "0700", "--default-uid", "5", "--default-gid", "6"],
        ["--default-gid", "6", "--default-uid", "5", "--default-mode", "0700"],
    ],
)
def test_check_tries_the_owner_that_is_given_in_whatever_order(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    given(monkeypatch)
    tried: list[Ownership] = []

    def try_it(_: Path, owner: Ownership, *_others: object) -> Iterator[object]:
        tried.append(owner)
        return iter(())

    module = sys.modules["holdfast.cli.check"]
    for of_the_cluster in ("_cluster", "_addresses"):
        monkeypatch.setattr(module, of_the_cluster, lambda *_, **__: iter(()))
    monkeypatch.setattr(module.check_export, "lines", try_it)

    CliRunner().invoke(main, ["check", *arguments])

    assert tried == [Ownership(0o700, 5, 6)]
