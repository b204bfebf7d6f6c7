"""What can go wrong in the testbed, each with one sentence for the person who started it.

TestbedError
├── ProgramError       a program could not be found, fetched or built
├── PackagesError      Debian packages that are needed could not be installed
├── ImageError         an image could not be made, or a registry did not take it
├── StartError         a program ended, or was not ready in time
│   └── PortTakenError ... because somebody else listens where it should
├── RequestError       the API server answered with an error
├── KubectlError       kubectl ended with an error
├── SanityError        the collection could not be built, or installed
└── LabError           the lab of real machines cannot be made, or used
"""

from __future__ import annotations


class TestbedError(Exception):
    """The base of all errors here; its message is one sentence, and perhaps a log's tail."""

    __test__ = False  # pytest takes a class that is called Test… for a test


class ProgramError(TestbedError):
    """A program could not be found, fetched or built."""


class PackagesError(TestbedError):
    """Debian packages that are needed could not be installed."""


class ImageError(TestbedError):
    """An image could not be made, or a registry did not take it."""


class StartError(TestbedError):
    """A program ended, or was not ready before its deadline."""


class PortTakenError(StartError):
    """Between choosing a free port and listening on it, somebody else took it."""


class RequestError(TestbedError):
    """The API server answered with an error.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class KubectlError(TestbedError):
    """Kubectl ended with an error; the message holds what it wrote to stderr."""


class SanityError(TestbedError):
    """The collection could not be built, or installed, to run the sanity tests on."""


class LabError(TestbedError):
    """The lab of real machines cannot be made, or used, as it was asked."""
