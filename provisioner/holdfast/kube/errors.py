"""What can go wrong with the API server, in our words, so that no caller knows the client's.

    KubeError
    ├── ConfigurationError    how to reach the server is not known; a person must act
    ├── ServerUnavailable     no usable answer (refused, cut, deadline, TLS); try again
    ├── TimedOut              a write that was not answered in time; try again
    └── ApiError              the server answered: no
        ├── Invalid           400, 422
        ├── Forbidden         401, 403
        ├── NotFound          404
        ├── Conflict          409: the object changed meanwhile
        ├── AlreadyExists     409 with reason AlreadyExists
        ├── Expired           410: the version or continue token is too old
        ├── Throttled         429: the server asks for patience
        └── ServerError       5xx: this request failed, perhaps halfway; try again

Only `ServerUnavailable` says something of the server as a whole. A 5xx answers one request, as when
an admission webhook for one class of objects is down (500), and a write that is not answered in
time may wait for one that hangs; whether the server is well is another question.

Rejected: the package's own tree, which tells neither a refused connection from a programming
error nor a conflict from a name that is taken.
"""

from __future__ import annotations

# The server's wish to be left alone is heeded, but not beyond this many seconds.
LONGEST_REQUESTED_WAIT = 60.0


class KubeError(Exception):
    """Any trouble with the API server; `message` is one sentence."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigurationError(KubeError):
    """Where the server is, or who we are, cannot be read; names the file and what to do."""


class ServerUnavailable(KubeError):
    """No usable answer, but the same request may succeed later."""


class TimedOut(KubeError):
    """No answer to a write in time: it may be carried out yet."""


class ApiError(KubeError):
    """The server refused; `status` is the HTTP code, `reason` the word of its Status object."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class Invalid(ApiError):
    """The object was not understood (400) or not accepted (422)."""


class Forbidden(ApiError):
    """We are not known (401) or may not do this (403)."""


class NotFound(ApiError):
    """There is no such object, or no such resource."""


class Conflict(ApiError):
    """The object is not what it was when it was read; read it again."""


class AlreadyExists(ApiError):
    """The name is taken."""


class Expired(ApiError):
    """The version or continue token is older than the server's history; list again."""


class Throttled(ApiError):
    """HTTP 429; `retry_after` is what the server asked for in seconds, or None."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(429, "TooManyRequests", message)
        self.retry_after = retry_after


def requested_wait(error: KubeError) -> float:
    """Seconds for which the server asks to be left alone, within bounds; 0.0 where it does not."""
    wish = error.retry_after if isinstance(error, Throttled) else None
    return min(wish or 0.0, LONGEST_REQUESTED_WAIT)


class ServerError(ApiError):
    """HTTP 5xx: the request failed in the server; it may have been carried out, or be so yet."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Expired,
    422: Invalid,
}


def refusal(status: int, reason: str, message: str, retry_after: float | None = None) -> ApiError:
    """The error for a Status object, whether it came as an answer or as a watch's ERROR event."""
    if status == 429:
        return Throttled(message, retry_after)
    if status >= 500:
        return ServerError(status, reason, message)
    if status == 409 and reason == "AlreadyExists":
        return AlreadyExists(status, reason, message)
    return _BY_STATUS.get(status, ApiError)(status, reason, message)
