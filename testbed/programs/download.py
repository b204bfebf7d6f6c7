"""Files from a server, used only when their checksums agree."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from testbed.errors import ProgramError

_CHUNK: Final = 1 << 20
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
        variable: the environment variable that named it, for an error's sentence.
    """

    url: str
    variable: str

    def text(self, path: str) -> str:
        """A small text file.

        Raises:
            MissingError: the server does not have it.
            ProgramError: it gives no usable answer.
        """
        return b"".join(self._chunks(path, _LONGEST_LIST)).decode(errors="replace")

    def file(self, path: str, target: Path, *, algorithm: str, digest: str) -> None:
        """Write a file to `target`; `digest` is its checksum in hexadecimal.

        Raises:
            MissingError: the server does not have it.
            ProgramError: it gives no usable answer, or another file.
        """
        seen = hashlib.new(algorithm)
        with target.open("wb") as output:
            for chunk in self._chunks(path):
                seen.update(chunk)
                output.write(chunk)
        if seen.hexdigest() != digest.lower():
            raise ProgramError(
                f"{self.address(path)} has the {algorithm} {seen.hexdigest()}, and the server's "
                f"own list says {digest}; it was not used: correct the file there"
            )

    def address(self, path: str) -> str:
        """The URL of a file."""
        return f"{self.url.rstrip('/')}/{path}"

    def _chunks(self, path: str, limit: int | None = None) -> Iterator[bytes]:
        until, size = time.monotonic() + _DEADLINE, 0
        with self._explained(path), contextlib.closing(self._open(path)) as response:
            while chunk := response.read(_CHUNK):
                size += len(chunk)
                if time.monotonic() > until:
                    raise TimeoutError(f"not whole after {_DEADLINE:.0f} s")
                if limit is not None and size > limit:
                    raise OSError(f"more than {limit} bytes where checksums should be")
                yield chunk

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
            raise kind(
                f"{self.address(path)} answers HTTP {error.code}; "
                f"correct the layout of that server or the variable {self.variable}"
            ) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ProgramError(
                f"{self.address(path)} cannot be fetched ({error}); "
                f"check that server, or correct or unset {self.variable}"
            ) from error
