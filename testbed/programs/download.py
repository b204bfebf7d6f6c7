"""Files from a server, used only when their checksums agree."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testbed.errors import ProgramError
from testbed.programs.progress import Progress

ATTEMPT: Final = 3.0  # seconds for the first answer of a server that nobody named
_CHUNK: Final = 1 << 18
_SILENCE: Final = 30.0  # seconds without a byte
_DEADLINE: Final = 1200.0  # seconds for one file
_LONGEST_LIST: Final = 1 << 20  # bytes of a file of checksums


class MissingError(ProgramError):
    """The server answers, and does not have the file."""


@dataclass(frozen=True)
class Server:
    """A server of release files.

    Attributes:
        url: without a path of ours.
        variable: the environment variable that names it, for an error's sentence.
        official: whether nobody named it, so that it is asked by default.
    """

    url: str
    variable: str
    official: bool = False

    @property
    def remedy(self) -> str:
        """What to do about an error of this server."""
        if self.official:
            return f"try again, or build from Go modules with {self.variable}=none"
        return f"check that server, or correct or unset {self.variable}"

    def text(self, path: str) -> str:
        """A small text file.

        Raises:
            MissingError: the server does not have it.
            ProgramError: it gives no usable answer.
        """
        return b"".join(self._chunks(path, Progress(), _LONGEST_LIST)).decode(errors="replace")

    def attempt(self, path: str, seconds: float = ATTEMPT) -> str:
        """A small text file, read within `seconds`: name resolution and redirections included.

        Raises:
            ProgramError: it could not be read, or not in that time.
        """
        return _within(seconds, lambda: self.text(path), self._too_slow(path, seconds))

    def file(
        self, path: str, target: Path, *, algorithm: str, digest: str, progress: Progress
    ) -> None:
        """Write a file to `target`; `digest` is its checksum in hexadecimal.

        Raises:
            MissingError: the server does not have it.
            ProgramError: it gives no usable answer, or another file.
        """
        seen = hashlib.new(algorithm)
        with target.open("wb") as output:
            for chunk in self._chunks(path, progress):
                seen.update(chunk)
                output.write(chunk)
        if seen.hexdigest() != digest.lower():
            raise ProgramError(
                f"{self.address(path)} has the {algorithm} {seen.hexdigest()}, and the server's "
                f"own list says {digest}; the file was not used: {self.remedy}"
            )

    def address(self, path: str) -> str:
        """The URL of a file."""
        return f"{self.url.rstrip('/')}/{path}"

    def _chunks(self, path: str, progress: Progress, limit: int | None = None) -> Iterator[bytes]:
        until = time.monotonic() + _DEADLINE
        with self._explained(path), contextlib.closing(self._open(path)) as response:
            progress.begin(_length(response))
            while chunk := response.read1(_CHUNK):
                progress.add(len(chunk))
                if time.monotonic() > until:
                    raise TimeoutError(f"not whole after {_DEADLINE:.0f} s")
                if limit is not None and progress.done > limit:
                    raise OSError(f"more than {limit} bytes where checksums should be")
                yield chunk
            progress.end()

    def _open(self, path: str) -> http.client.HTTPResponse:
        url = self.address(path)
        if not url.startswith(("http://", "https://")):
            raise ProgramError(f"{self.variable} must be an http or https URL, not {self.url!r}")
        opener = urllib.request.build_opener()
        response: http.client.HTTPResponse = opener.open(url, timeout=_SILENCE)
        return response

    @contextlib.contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        try:
            yield
        except urllib.error.HTTPError as error:
            error.close()
            kind = MissingError if error.code == 404 else ProgramError
            raise kind(f"{self.address(path)} answers HTTP {error.code}; {self.remedy}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ProgramError(
                f"{self.address(path)} cannot be fetched ({_reason(error)}); {self.remedy}"
            ) from error

    def _too_slow(self, path: str, seconds: float) -> ProgramError:
        return ProgramError(f"{self.address(path)} did not answer within {seconds:g} s")


def _length(response: http.client.HTTPResponse) -> int | None:
    """How many bytes the server says that it will send, where it does."""
    told = response.headers.get("Content-Length", "")
    return int(told) if told.isdecimal() else None


def _reason(error: Exception) -> object:
    return error.reason if isinstance(error, urllib.error.URLError) else error


def _within(seconds: float, call: Callable[[], str], too_slow: ProgramError) -> str:
    """Return what `call` does, if it does so in time; else raise `too_slow`.

    A thread of its own, because nothing else ends a name resolution; it is left behind.
    """
    results: list[str] = []
    errors: list[ProgramError] = []

    def run() -> None:
        try:
            results.append(call())
        except ProgramError as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise too_slow
    return results[0]
