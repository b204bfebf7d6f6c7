"""Which of a package's mutants are tried: as many as there is time for, and always the same.

The choice is spread evenly over files and operators. It hangs on what a mutant is and not on
where it stands, so that a change of one file hardly changes what is chosen in others.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.mutants.mutant import Mutant


def sample(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """So many of the mutants, in their order; all where there are fewer."""
    groups: dict[tuple[str, str], list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        groups[mutant.file, mutant.operator].append(mutant)
    ranked = sorted(entry for name, group in groups.items() for entry in _ranks(name, group, seed))
    chosen = {key for _, key in ranked[:count]}
    return [mutant for mutant in mutants if mutant.key in chosen]


def _ranks(
    name: tuple[str, str], group: Sequence[Mutant], seed: int
) -> Iterator[tuple[float, tuple[str, str, str, str]]]:
    """The group's mutants shuffled, at even distances in 0 to 1 from an offset by chance."""
    offset = _chance(seed, *name)
    shuffled = sorted(group, key=lambda mutant: _chance(seed, *mutant.key))
    for number, mutant in enumerate(shuffled):
        yield (number + offset) / len(group), mutant.key


def _chance(seed: int, *words: str) -> float:
    """A number from 0 to 1 that looks random, and is the same for the same words."""
    digest = hashlib.blake2b("\0".join((str(seed), *words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
