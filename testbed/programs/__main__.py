"""`python -m testbed.programs`: find or make the programs, and print where they are."""

from __future__ import annotations

import dataclasses
import sys

from testbed.errors import ProgramError
from testbed.programs import find_programs


def main() -> int:
    """Print the paths on stdout, what happens meanwhile on stderr."""
    try:
        programs = find_programs(lambda line: print(line, file=sys.stderr, flush=True))
    except ProgramError as error:
        print(error, file=sys.stderr)
        return 1
    for path in dataclasses.astuple(programs):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
