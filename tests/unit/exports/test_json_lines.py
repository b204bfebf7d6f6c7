"""An export behind a process: what is said is what is meant, and nothing said does harm."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.claims.objects import ClaimRef
from holdfast.claims.parameters import Action
from holdfast.exports import interface, remote_codec
from holdfast.exports.errors import (
    DirectoryGone,
    ExportError,
    ExportUnavailable,
    Failed,
    Fenced,
    TimedOut,
    Unsafe,
    WrongExport,
)
from holdfast.exports.export import Export
from holdfast.exports.inode import Inode
from holdfast.exports.interface import (
    DirectorySpec,
    ExportInfo,
    ExportInterface,
    Grant,
    Leader,
    Moved,
    MovedBack,
    Reaped,
    Takeover,
    Term,
)
from holdfast.exports.record import DirectoryTaken, Record
from holdfast.exports.remote import connect
from holdfast.exports.server import (
    _AT_ONCE,
    LONGEST_ANSWER,
    LONGEST_LINE,
    PROTOCOL,
    Server,
    answer,
)
from tests.support import eventually
from tests.unit.exports.agent import served
from tests.unit.exports.given import adopted, export_at, listing, plan, published

WORDS = st.text(max_size=8)
RECORDS = st.builds(
    Record,
    volume=WORDS,
    version=st.integers(),
    directory=WORDS,
    inode=st.builds(Inode, st.integers(), st.integers()),
    claim=st.builds(ClaimRef, WORDS, WORDS, WORDS),
    storage_class=WORDS,
    size=WORDS,
    reclaim_policy=WORDS,
    on_delete=st.sampled_from(Action),
    uid=st.none() | st.integers(),
    succeeds=st.lists(WORDS, max_size=3).map(tuple),
    unknown=st.dictionaries(WORDS, st.none() | st.integers() | WORDS, max_size=2),
)
NAMES = st.lists(WORDS, max_size=2).map(tuple)
LEADERS = st.builds(Leader, WORDS, WORDS, NAMES, NAMES)
TERMS = st.builds(Term, LEADERS, st.integers(), WORDS)
KINDS: dict[type, st.SearchStrategy[Any]] = {
    Leader: LEADERS,
    Term: TERMS,
    Grant: st.builds(Grant, TERMS, st.floats(allow_nan=False, allow_infinity=False)),
    ExportInfo: st.builds(ExportInfo, WORDS, st.integers()),
    Takeover: st.builds(
        Takeover, TERMS, st.lists(RECORDS, max_size=2).map(tuple), st.lists(WORDS).map(tuple)
    ),
    DirectorySpec: st.builds(DirectorySpec),
    Moved: st.builds(Moved),
    Reaped: st.builds(Reaped, age=st.floats(allow_nan=False, allow_infinity=False)),
    MovedBack: st.builds(MovedBack),
    Record: RECORDS,
}


@pytest.mark.parametrize(
    "kind", sorted(KINDS.keys() - {Grant}, key=str), ids=lambda kind: kind.__name__
)
@given(data=st.data())
@settings(max_examples=40)
def test_what_is_encoded_is_decoded_as_it_was(kind: type, data: st.DataObject) -> None:
    value = data.draw(KINDS[kind])

    assert remote_codec.decode(kind, json.loads(json.dumps(remote_codec.encode(value)))) == value


@pytest.mark.parametrize(("waited", "left"), [(0, 30), (25, 5), (31, 0)])
def test_a_grant_goes_to_another_process_with_the_seconds_that_are_left(
    monkeypatch: pytest.MonkeyPatch, waited: float, left: float
) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    grant = Grant(Term(Leader("cluster", "nfs"), 3, "id"), 30)
    now[0] += waited

    sent = json.loads(json.dumps(remote_codec.encode(grant)))
    now[0] = 5.0  # the other's clock
    got: Grant = remote_codec.decode(Grant, sent)

    assert (got.term, got.seconds, got.left()) == (grant.term, left, left)


def test_every_kind_of_data_of_the_interface_is_among_them() -> None:
    declared = {
        one
        for one in vars(interface).values()
        if isinstance(one, type) and hasattr(one, "__dataclass_fields__")
    }
    assert declared - set(KINDS) <= {ClaimRef}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, True),
        (int, "1"),
        (int, 1.0),
        (str, None),
        (float, "1"),
        (float, float("nan")),
        (float, float("-inf")),
        (float, 10**400),
        (bool, 1),
        (tuple[str, ...], "text"),
        (tuple[str, ...], [1]),
        (tuple[str, ...], {"a": 1}),
        (int | None, "1"),
        (Leader, ["a", "b"]),
        (Leader, {"cluster": "a"}),
        (Action, "odd"),
        (None.__class__, 0),
        (dict[str, Any], []),
    ],
)
def test_json_of_another_type_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        remote_codec.decode(kind, value)


def test_a_whole_number_is_a_number_of_seconds() -> None:
    number = remote_codec.decode(float, 3)

    assert (number, type(number)) == (3.0, float)


# What a client may send


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Path]:
    """An export with a live volume, one in the making, and one in the trash."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        export = export_at(Path(folder, "export"))
        published(export)
        export.create(plan("2", "other"))
        published(export, "3", "third")
        export.reclaim("pvc-3", "3", Action.DELETE)
        yield export.root


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["pvc-1", "pvc-2", "pvc-3", "..", "", "/etc", "a/b", "\ud800", "n" * 300])
# Of what grants leave, there is no term; whoever has one is believed (`test_fencing.py`).
ARGUMENTS = {
    "export_id": WORDS | st.just("another"),
    "leader": KINDS[Leader].map(remote_codec.encode) | JSON,
    "grant": KINDS[Grant].map(remote_codec.encode) | JSON,
    "volume": NAMES | JSON,
    "spec": JSON | st.just(remote_codec.encode(plan())),
    "record": JSON | st.just(remote_codec.encode(adopted())),
    "entries": st.integers() | JSON,
    "directory": NAMES | JSON,
    "claim_uid": st.just("1") | JSON,
    "action": st.sampled_from([*Action]).map(str) | JSON,
    "reuses": st.lists(NAMES) | JSON,
}


@given(line=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=300)
def test_no_input_ends_the_server_and_none_that_is_no_request_changes_anything(
    fuzzed: Path, line: bytes
) -> None:
    before = listing(fuzzed)

    told = _told(answer(Export(fuzzed), line))

    assert told["error"]["kind"] == "Invalid"
    assert listing(fuzzed) == before


@pytest.mark.parametrize("method", sorted(remote_codec.METHODS - {"begin", "initialise"}))
@given(data=st.data())
@settings(max_examples=40)
def test_a_request_that_is_odd_or_of_no_term_is_answered_and_changes_nothing(
    fuzzed: Path, method: str, data: st.DataObject
) -> None:
    """Rule 1, whatever comes over the wire."""
    names = [name for name in get_type_hints(getattr(ExportInterface, method)) if name != "return"]
    arguments = {
        name: data.draw(ARGUMENTS.get(name, JSON), label=name)
        for name in names
        if data.draw(st.integers(0, 9))  # one is left out now and then
    }
    before = listing(fuzzed)

    told = _told(
        answer(Export(fuzzed), _request(data.draw(st.integers()), method, arguments)),
    )

    assert "result" in told or told["error"]["message"]
    assert "unexpected" not in str(told)
    assert listing(fuzzed) == before


@given(leader=KINDS[Leader])
@settings(max_examples=60)
def test_a_leaders_name_never_leads_out_of_the_terms(fuzzed: Path, leader: Leader) -> None:
    before = listing(fuzzed)

    told = _told(
        answer(Export(fuzzed), _request(1, "begin", {"leader": remote_codec.encode(leader)}))
    )

    assert "result" in told or told["error"]["kind"] in {"Unsafe", "ExportUnavailable"}
    assert listing(fuzzed) == before


def _request(number: Any, method: str, arguments: Any) -> bytes:
    return json.dumps({"id": number, "method": method, "arguments": arguments}).encode()


def _told(message: dict[str, Any]) -> dict[str, Any]:
    """An answer as it comes over the wire: one line of JSON, as its definition has it."""
    line = json.dumps(message, allow_nan=False)
    assert "\n" not in line
    told: dict[str, Any] = json.loads(line)
    assert set(told) in ({"id", "result"}, {"id", "error"})
    return told


@pytest.mark.parametrize("number", [None, True, 1.5, "1", [1], float("nan")])
def test_an_id_that_is_no_number_is_not_repeated(fuzzed: Path, number: Any) -> None:
    told = _told(answer(Export(fuzzed), _request(number, "inspect", {})))

    assert (told["id"], told["error"]["kind"]) == (None, "Invalid")


def test_a_method_that_is_none_of_the_interface_is_refused(fuzzed: Path) -> None:
    for method in ("__init__", "_root", "close", ["find"], None):
        told = _told(answer(Export(fuzzed), _request(7, method, {})))  # type: ignore[arg-type]
        assert (told["id"], told["error"]["kind"]) == (7, "Invalid")


def test_an_error_that_nobody_foresaw_is_one_of_its_volume(fuzzed: Path) -> None:
    class Broken(Export):
        def find(self, volume: str) -> Record | None:
            raise RuntimeError(volume)

    told = _told(answer(Broken(fuzzed), _request(7, "find", {"volume": "pvc-1"})))

    assert told["error"] == {
        "kind": "Failed",
        "message": "unexpected error: RuntimeError: pvc-1",
    }


def wait_for_answers(server: Server) -> None:
    """Waits until all that was asked for is answered."""
    for _ in range(_AT_ONCE):
        server._places.acquire()


def test_the_rest_of_a_line_that_is_too_long_is_no_request(fuzzed: Path) -> None:
    hidden = _request(2, "inspect", {})
    line = b" " * LONGEST_LINE + hidden + b"\n"
    answers = io.BytesIO()

    server = Server(Export(fuzzed), answers)
    server.serve(io.BytesIO(line + _request(3, "inspect", {}) + b"\n"))
    wait_for_answers(server)

    told = [json.loads(one) for one in answers.getvalue().splitlines()]
    assert told[0]["protocol"] == PROTOCOL
    assert {one["id"] for one in told[1:]} == {None, 3}


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 400])
def test_a_grant_ends_at_some_time(fuzzed: Path, seconds: str) -> None:
    grant = {"term": remote_codec.encode(Term(Leader("cluster", "nfs"), 1, "id")), "seconds": 1.5}
    line = _request(7, "sweep", {"grant": grant}).replace(b"1.5", seconds.encode())

    told = _told(answer(Export(fuzzed), line))

    assert (told["id"], told["error"]["kind"]) == (7, "Invalid")
    assert "is not a finite number" in told["error"]["message"]


def test_an_answer_that_is_too_long_is_an_error_of_its_call(fuzzed: Path) -> None:
    class Long(Export):
        def trashed(self) -> tuple[str, ...]:
            return ("x" * LONGEST_ANSWER,)

    answers = io.BytesIO()
    server = Server(Long(fuzzed), answers)
    server.serve(io.BytesIO(_request(7, "trashed", {})))
    eventually(lambda: answers.getvalue().count(b"\n") == 2)

    told = json.loads(answers.getvalue().splitlines()[1])
    assert (told["id"], told["error"]["kind"]) == (7, "Failed")
    assert told["error"]["message"].startswith("the answer has ")


# The other end


NOTHING = b""


class Endless(io.RawIOBase):
    """What the other end says: a line that does not end, after another."""

    def __init__(self, first: bytes) -> None:
        self.given = 0
        self._first = first

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.given > 2 * LONGEST_ANSWER:
            return 0  # only where the reader knows no bound
        said = self._first or b"x" * len(buffer)
        self._first = b""
        buffer[: len(said)] = said
        self.given += len(said)
        return len(said)


def test_a_greeting_that_does_not_end_is_not_kept() -> None:
    endless = Endless(b"")

    with pytest.raises(ExportUnavailable, match="the other end is not a Holdfast agent"):
        connect(io.BytesIO(), io.BufferedReader(endless))
    assert endless.given < 2 * LONGEST_LINE


def test_an_answer_that_does_not_end_is_not_kept() -> None:
    endless = Endless(b'{"protocol": 1}\n')

    with pytest.raises(ExportUnavailable, match="has ended"):
        connect(io.BytesIO(), io.BufferedReader(endless)).inspect()
    _join_threads()
    assert endless.given < LONGEST_ANSWER + LONGEST_LINE


def test_a_request_that_the_other_end_would_not_read_fails_at_once(root: Path) -> None:
    export_at(root)
    around = len(_request(1, "find", {"volume": ""}) + b"\n")
    with served(root) as export:
        with pytest.raises(Unsafe, match="is not a valid name of a volume"):
            export.find("v" * (LONGEST_LINE - around))
        with pytest.raises(
            Failed, match="find: the request has 1048577 bytes, the limit is 1048576"
        ):
            export.find("v" * (LONGEST_LINE - around + 1))
        assert export.find("pvc-1") is None


@contextmanager
def scripted(*lines: bytes, seconds: float = 30.0) -> Iterator[tuple[ExportInterface, IO[bytes]]]:
    """An export whose other end says one of these to each request."""
    (reads, asks), (hears, says) = os.pipe(), os.pipe()
    with (
        os.fdopen(reads, "rb") as asked,
        os.fdopen(asks, "wb") as requests,
        os.fdopen(hears, "rb") as answers,
        os.fdopen(says, "wb", buffering=0) as other,
    ):
        script = threading.Thread(target=_say, args=(asked, other, lines))
        script.start()
        export = connect(requests, answers)
        vars(export)["_seconds"] = seconds
        yield export, other
        requests.close()
        script.join(20)
        other.close()
        _join_threads()


def _say(asked: IO[bytes], other: IO[bytes], lines: Sequence[bytes]) -> None:
    other.write(b'{"protocol": 1}\n')
    for line in lines:
        if asked.readline() and line != NOTHING:
            other.write(line + b"\n")


def _join_threads() -> None:
    for thread in threading.enumerate():
        if thread.name in {"export-answers", "export-requests"}:
            thread.join(20)


def test_an_end_that_speaks_another_protocol_is_named() -> None:
    with pytest.raises(
        ExportUnavailable, match=r"speaks protocol 9, this Holdfast 1: install the same"
    ):
        connect(io.BytesIO(), io.BytesIO(b'{"protocol": 9}\n'))


@pytest.mark.parametrize("line", [b"", b"bash: not found\n", b"[]\n", b"{}\n", b"null\n", b"1\n"])
def test_an_end_that_is_no_holdfast_is_unavailable(line: bytes) -> None:
    with pytest.raises(ExportUnavailable, match="the other end is not a Holdfast agent"):
        connect(io.BytesIO(), io.BytesIO(line))


def test_an_end_that_says_nothing_is_given_up() -> None:
    hears, says = os.pipe()
    with os.fdopen(hears, "rb") as answers, os.fdopen(says, "wb") as other:
        with pytest.raises(ExportUnavailable, match=r"the agent did not answer in 0\.01 s"):
            connect(io.BytesIO(), answers, 0.01)
        other.close()
        _join_threads()


def test_a_call_that_is_not_answered_is_given_up_and_its_late_answer_ignored() -> None:
    said = (
        b'{"id": 1, "result": {"id": "late", "format": 2}}',
        b'{"id": 77, "result": null}',
        b'{"id": 2, "result": {"id": "in time", "format": 2}}',
    )
    with scripted(NOTHING, b"\n".join(said), seconds=0.01) as (export, _):
        with pytest.raises(TimedOut, match=r"inspect: no answer in 0\.01 s"):
            export.inspect()

        assert _patiently(export).inspect() == ExportInfo("in time", 2)


def test_an_end_that_does_not_read_holds_up_no_call_longer_than_its_deadline() -> None:
    """What is not sent in time is not sent later either, but for the one that was begun."""
    (reads, asks), (hears, says) = os.pipe(), os.pipe()
    with (
        os.fdopen(reads, "rb") as asked,
        os.fdopen(asks, "wb") as requests,
        os.fdopen(hears, "rb") as answers,
        os.fdopen(says, "wb", buffering=0) as other,
    ):
        other.write(b'{"protocol": 1}\n')
        export = connect(requests, answers, 0.2)
        longer_than_a_pipe = "v" * (1 << 17)

        for _ in range(3):
            with pytest.raises(TimedOut, match=r"find: no answer in 0\.2 s"):
                export.find(longer_than_a_pipe)

        read: list[int] = []
        reader = threading.Thread(target=_answer_second, args=(asked, other, read))
        reader.start()
        assert _patiently(export).inspect() == ExportInfo("next", 2)
        reader.join(20)
        other.close()
        _join_threads()
    assert read == [1, 4]


def _answer_second(asked: IO[bytes], other: IO[bytes], read: list[int]) -> None:
    read += [json.loads(asked.readline())["id"] for _ in range(2)]
    answered = {"id": read[-1], "result": {"id": "next", "format": 2}}
    other.write(json.dumps(answered).encode() + b"\n")


def _patiently(export: ExportInterface) -> ExportInterface:
    vars(export)["_seconds"] = 30.0
    return export


@pytest.mark.parametrize(
    "said",
    [
        b'{"id": 1}',
        b'{"id": 1, "result": 7}',
        b'{"id": 1, "result": {"id": 1, "format": 2}}',
        b'{"id": 1, "result": {"odd": 1}}',
        b'{"id": 1, "error": {}}',
        b'{"id": 1, "error": []}',
        (
            b'{"id": 1, "error": {"kind": "DirectoryTaken", "message": "", "directory": "", '
            b'"records": [1]}}'
        ),
    ],
)
def test_an_answer_that_is_none_is_no_answer(said: bytes) -> None:
    with (
        scripted(said) as (export, _),
        pytest.raises(ExportUnavailable, match="inspect: invalid answer"),
    ):
        export.inspect()


@pytest.mark.parametrize("said", [b"odd", b"[]", b"7", b'{"id": []}', b"[" * 30_000])
def test_an_end_that_says_what_is_no_answer_has_ended(said: bytes) -> None:
    with (
        scripted(said) as (export, _),
        pytest.raises(ExportUnavailable, match="the process that serves the export has ended"),
    ):
        export.inspect()


ERRORS = [
    ExportUnavailable("away"),
    ExportUnavailable("stale", stale=True),
    WrongExport("wrong"),
    Fenced("fenced"),
    Failed("failed"),
    TimedOut("late"),
    Unsafe("unsafe"),
    DirectoryGone("gone"),
    DirectoryTaken("team/data", [adopted("1"), adopted("2")]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_over_as_it_is(fuzzed: Path, error: ExportError) -> None:
    class Raising(Export):
        def inspect(self) -> ExportInfo:
            raise error

    said = json.dumps(answer(Raising(fuzzed), _request(1, "inspect", {}))).encode()
    with scripted(said) as (export, _), pytest.raises(type(error)) as caught:
        export.inspect()

    assert type(caught.value) is type(error)
    assert vars(caught.value) == vars(error)


def test_an_error_of_a_later_version_is_a_failure() -> None:
    said = b'{"id": 1, "error": {"kind": "Odd", "message": "sentence"}}'
    with scripted(said) as (export, _), pytest.raises(Failed, match=r"^sentence$"):
        export.inspect()


def test_what_is_no_method_is_none() -> None:
    with scripted() as (export, _):
        assert not hasattr(export, "close")
        with pytest.raises(TypeError, match="missing a required argument: 'volume'"):
            export.find()  # type: ignore[call-arg]


def test_a_process_that_is_killed_is_unavailable_at_once_and_from_then_on(root: Path) -> None:
    """Rule 6: nobody waits for who cannot answer."""
    export_at(root)
    with subprocess.Popen(
        [sys.executable, "-c", _HANGING, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "provisioner")},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        export = connect(process.stdin, process.stdout, 3600)
        errors: list[ExportError] = []
        waiting = [threading.Thread(target=_caught, args=(export, errors)) for _ in range(3)]
        for thread in waiting:
            thread.start()
        while len(vars(export)["_waiting"]) < 3:
            os.sched_yield()

        process.kill()
        for thread in waiting:
            thread.join(20)

        assert [str(error) for error in errors] == [
            "inspect: the process that serves the export has ended"
        ] * 3
        with pytest.raises(ExportUnavailable, match="has ended"):
            export.inspect()
        with suppress(BrokenPipeError):  # of a request that was not sent any more
            process.stdin.close()


_HANGING = """
import sys, time
from holdfast.exports.export import Export
from holdfast.exports import server

class Hanging(Export):
    def inspect(self):
        time.sleep(3600)

server.Server(Hanging(sys.argv[1]), sys.stdout.buffer).serve(sys.stdin.buffer)
"""


def _caught(export: ExportInterface, errors: list[ExportError]) -> None:
    try:
        export.inspect()
    except ExportError as error:
        errors.append(error)


def test_several_requests_are_at_work_at_once(root: Path) -> None:
    """One that hangs does not hold up the others."""
    export = export_at(root)
    published(export)
    go_on, found = threading.Event(), threading.Event()

    class Slow(Export):
        def inspect(self) -> ExportInfo:
            assert go_on.wait(20)
            return super().inspect()

    (reads, asks), (hears, says) = os.pipe(), os.pipe()
    with (
        os.fdopen(reads, "rb") as incoming,
        os.fdopen(asks, "wb") as requests,
        os.fdopen(hears, "rb") as answers,
        os.fdopen(says, "wb") as outgoing,
    ):
        server = Server(Slow(root), outgoing)
        serving = threading.Thread(target=server.serve, args=(incoming,))
        serving.start()
        remote = connect(requests, answers)
        infos: list[ExportInfo] = []
        slow = threading.Thread(target=lambda: infos.append(remote.inspect()))
        slow.start()
        if remote.find("pvc-1"):
            found.set()
        go_on.set()
        slow.join(20)
        requests.close()
        serving.join(20)
        wait_for_answers(server)

    assert found.is_set()
    assert [info.format for info in infos] == [2]


def test_a_served_export_ends_with_its_input(root: Path) -> None:
    export_at(root)
    with served(root) as exports:
        assert exports.inspect().format == 2

    with pytest.raises(ExportUnavailable, match=r"has ended|cannot reach"):
        exports.inspect()


CALLS: dict[str, Callable[[ExportInterface, Grant], object]] = {
    "probe": lambda exports, _: exports.probe(),
    "trashed": lambda exports, _: exports.trashed(),
    "recorded": lambda exports, _: exports.recorded(),
    "update_record": lambda exports, grant: exports.update_record(
        grant, "pvc-1", plan().claim, size="2Gi", reclaim_policy="Retain"
    ),
    "owners": lambda exports, _: exports.owners("team/data"),
    "adopt": lambda exports, grant: exports.adopt(
        grant, adopted(), ("pvc-9",), may_use_reserve=True
    ),
    "reap": lambda exports, grant: exports.reap(grant, volume="pvc-3", entries=0),
    "sweep": lambda exports, grant: exports.sweep(grant),
    "undo": lambda exports, grant: exports.undo(grant, "pvc-9"),
    "move_back": lambda exports, grant: exports.move_back(grant, "pvc-1"),
    "recover": lambda exports, grant: exports.recover(grant, "pvc-1", "Retain"),
}


@pytest.mark.parametrize("name", CALLS)
def test_both_implementations_give_the_same(root: Path, name: str) -> None:
    export = export_at(root)
    published(export)
    published(export, "3", "third")
    export.reclaim("pvc-3", "3", Action.DELETE)
    grant = Grant(export.takeover.term, 60)

    with served(root) as remote:
        there = CALLS[name](remote, grant)
    here = CALLS[name](export.exports, grant)

    assert _ageless(here) == _ageless(there)


def _ageless(value: object) -> object:
    return (value.done, value.removed) if isinstance(value, Reaped) else value
