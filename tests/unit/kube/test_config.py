"""Finding the API server and ourselves."""

from __future__ import annotations

import datetime as dt
import json
import re
import types
from dataclasses import dataclass
from pathlib import Path

import pytest
from kubernetes.config import incluster_config

from holdfast.kube.api import Api
from holdfast.kube.config import load_configuration
from holdfast.kube.errors import ConfigurationError, ServerUnavailable
from holdfast.kube.resources import VOLUMES
from tests.fake.apiserver import FakeApiServer


def kubeconfig_of(url: str, token: str = "secret") -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }


def tokens_seen(server: FakeApiServer) -> list[str]:
    return [
        {name.lower(): value for name, value in request.headers.items()}["authorization"]
        for request in server.requests
    ]


def test_a_kubeconfig_names_the_server_and_the_token(tmp_path: Path, server: FakeApiServer) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(kubeconfig_of(server.url)))
    api = Api(load_configuration(str(file)))

    list(api.pages(VOLUMES))
    api.close()

    assert tokens_seen(server) == ["Bearer secret"]


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"kubeconfig .*/nowhere does not exist"):
        load_configuration(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "text",
    ["", "a: [", "just words", "{}", json.dumps({"current-context": "here", "contexts": []})],
)
def test_a_kubeconfig_that_cannot_be_used_is_named_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        load_configuration(str(file))

    assert str(file) in caught.value.message
    assert "\n" not in caught.value.message


def test_outside_a_cluster_without_a_kubeconfig_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(ConfigurationError) as caught:
        load_configuration(None)

    assert caught.value.message == (
        "No kubeconfig is given and this is not a pod with a service account (Service host/port is "
        "not set): name a kubeconfig file, or mount the service account's token."
    )


def test_what_a_kubeconfig_makes_its_reader_say_is_put_on_one_line(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("a: [")

    with pytest.raises(ConfigurationError) as caught:
        load_configuration(str(file))

    assert re.fullmatch(
        r"The kubeconfig \S+ cannot be used \(while parsing a flow node expected the node content, "
        r"but found '<stream end>' in .* line 1, column 5\): correct it, or give another file\.",
        caught.value.message,
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError(), "KeyError"),
        (ValueError("no MAX."), "no MAX"),
        (PermissionError(13, "Permission denied", "/a"), "Permission denied: '/a'"),
        (OSError(5, "Input/output error"), "Input/output error"),
    ],
)
def test_an_error_stands_within_the_sentence_and_without_words_by_its_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, words: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("kubernetes.config.load_kube_config", fail)
    (tmp_path / "kubeconfig").touch()

    with pytest.raises(ConfigurationError, match=rf"cannot be used \({words}\)"):
        load_configuration(str(tmp_path / "kubeconfig"))


@dataclass(frozen=True)
class Pod:
    """A pod's service account and the server it is for."""

    server: FakeApiServer
    token: Path


@pytest.fixture
def pod(
    tmp_path: Path, secure_server: tuple[FakeApiServer, Path], monkeypatch: pytest.MonkeyPatch
) -> Pod:
    """A service account with the token "first", as a pod has it."""
    server, authority = secure_server
    host, _, port = server.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    token = tmp_path / "token"
    token.write_text("first")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    return Pod(server, token)


def later(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """The client's package believes it to be so much later."""

    class Later(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Later:
            return super().now(tz) + dt.timedelta(minutes=minutes)

    fake = types.SimpleNamespace(datetime=Later, timedelta=dt.timedelta)
    monkeypatch.setattr(incluster_config, "datetime", fake)


def test_a_token_that_the_kubelet_replaced_is_used_within_two_minutes(
    monkeypatch: pytest.MonkeyPatch, pod: Pod
) -> None:
    api = Api(load_configuration(None))
    list(api.pages(VOLUMES))
    pod.token.write_text("second")
    later(monkeypatch, minutes=2)
    list(api.pages(VOLUMES))
    api.close()

    assert tokens_seen(pod.server) == ["bearer first", "bearer second"]


def test_a_token_that_is_gone_for_a_moment_is_no_answer_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch, pod: Pod
) -> None:
    api = Api(load_configuration(None))
    pod.token.unlink()
    later(monkeypatch, minutes=2)

    with pytest.raises(ServerUnavailable, match="No such file"):
        list(api.pages(VOLUMES))

    pod.token.write_text("back")
    list(api.pages(VOLUMES))
    api.close()


def test_a_token_that_is_half_written_is_no_answer_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch, pod: Pod
) -> None:
    api = Api(load_configuration(None))
    pod.token.write_bytes(b"\xff\xfe")
    later(monkeypatch, minutes=2)

    with pytest.raises(ServerUnavailable, match="codec can't decode"):
        list(api.pages(VOLUMES))
    api.close()


def test_of_several_kubeconfigs_those_that_exist_are_merged(tmp_path: Path) -> None:
    whole = kubeconfig_of("http://127.0.0.1:1")
    users = {"apiVersion": "v1", "kind": "Config", "users": whole.pop("users")}
    (tmp_path / "a").write_text(json.dumps(whole), encoding="utf-8")
    (tmp_path / "b").write_text(json.dumps(users), encoding="utf-8")

    configuration = load_configuration(f"{tmp_path}/missing:{tmp_path}/a:{tmp_path}/b")

    assert configuration.host == "http://127.0.0.1:1"
    assert configuration.api_key["BearerToken"] == "Bearer secret"
