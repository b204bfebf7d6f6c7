"""What follows from accepting an export, in lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from holdfast.cli.entries import Entry, Finding
from holdfast.cli.export_ids import counted
from holdfast.cli.long_list import listed

_WHERE_WHY = "`holdfast exports show -o wide` says why"
_WHERE_ALL = "`holdfast exports show -o wide` shows all"


def consequences(entries: Sequence[Entry]) -> Iterator[str]:
    """The directories that are accepted, and the volumes that are reclaimed then, or cannot be."""
    yield from without_record(entries)
    if another := _another(entries):
        yield f"{_counted(another)}, as after a restore:"
        yield from listed(another, _WHERE_ALL)
    if released := [one for one in entries if one.finding is Finding.RELEASED]:
        is_one = len(released) == 1
        volumes = "volume is" if is_one else "volumes are"
        yield f"{len(released)} {volumes} released and will be reclaimed:"
        yield from listed(released, _WHERE_ALL)


def without_record(entries: Sequence[Entry]) -> Iterator[str]:
    """How many volumes have no record that Holdfast can use, and what follows."""
    numbers = Counter(one.finding for one in entries if not one.is_due)
    neither = _with_neither(entries)
    missing, unreadable = numbers[Finding.NO_RECORD] - neither, numbers[Finding.UNREADABLE]
    if missing:
        have, them = ("has", "it") if missing == 1 else ("have", "them")
        yield (
            f"{counted(missing, 'volume')} {have} no record: Holdfast will not reclaim {them}. "
            "Restore .holdfast from a backup before you go on"
        )
    if neither:
        have, whose = ("has", "its") if neither == 1 else ("have", "their")
        yield (
            f"{counted(neither, 'volume')} {have} neither a record nor {whose} directory: Holdfast "
            f"deletes {'it' if neither == 1 else 'each'} with its claim, and data on another "
            "export stays there. Mount that export or restore this one before you go on"
        )
    if refused := numbers[Finding.REFUSED]:
        yield (
            f"{counted(refused, 'volume')} of nfs-subdir cannot be recorded: Holdfast will not "
            f"reclaim {'it' if refused == 1 else 'them'}; {_WHERE_WHY}"
        )
    if unreadable:
        is_one = unreadable == 1
        yield (
            f"{counted(unreadable, 'record')} cannot be parsed: Holdfast will not reclaim "
            f"{'its volume' if is_one else 'their volumes'}. Restore {'it' if is_one else 'them'} "
            "from a backup before you go on"
        )
    if advice := advice_on_another_cluster(entries):
        yield advice


def _with_neither(entries: Sequence[Entry]) -> int:
    """How many volumes without a record have no directory, so that nothing is lost with them."""
    gone = {Finding.NO_DIRECTORY, Finding.OTHER_VOLUME}
    without = {one.volume for one in entries if one.finding in gone}
    return sum(
        one.finding is Finding.NO_RECORD and not one.is_due and one.volume in without
        for one in entries
    )


def advice_on_missing(entries: Sequence[Entry]) -> str:
    """What to do about volumes that lack their directory or record; empty if there are none."""
    numbers = Counter(one.finding for one in entries)
    others = numbers[Finding.OTHER_VOLUME]
    directories = numbers[Finding.NO_DIRECTORY] + others
    records = numbers[Finding.NO_RECORD] + numbers[Finding.UNREADABLE]
    what = list[str]()
    if directories:
        subject = "1 directory is" if directories == 1 else f"{directories} directories are"
        what.append(f"{subject} missing" + (" or another volume's" if others else ""))
    if records:
        subject = "1 record is" if records == 1 else f"{records} records are"
        what.append(f"{subject} missing or cannot be parsed")
    return f"{' and '.join(what)}: restore them before you delete a claim" if what else ""


def advice_on_refused(entries: Sequence[Entry]) -> str:
    """Why volumes of nfs-subdir are not recorded, with the way out; empty if there are none."""
    if not entries:
        return ""
    more = f"; and {counted(len(entries) - 1, 'more volume')}: {_WHERE_WHY}"
    return entries[0].detail + (more if len(entries) > 1 else "")


def advice_on_another(entries: Sequence[Entry]) -> str:
    """What to do about directories that are not those in their records; empty if there are none."""
    if not (another := _another(entries)):
        return ""
    return (
        f"{_counted(another)}: if the export was restored or copied, run `holdfast exports "
        "accept`; else move the right directories back. Until then, none of them is reclaimed"
    )


def advice_on_another_cluster(entries: Sequence[Entry]) -> str:
    """What to do about records of other clusters; empty if there are none."""
    if not (others := [one for one in entries if one.finding is Finding.ANOTHERS_RECORD]):
        return ""
    clusters = ", ".join(sorted({one.detail.removeprefix("of cluster ") for one in others}))
    is_one = len(others) == 1
    return (
        f"{counted(len(others), 'volume')} {'has a record' if is_one else 'have records'} of "
        f"another cluster ({clusters}): Holdfast does not reclaim {'it' if is_one else 'them'}. If "
        "that cluster is gone, give its uid with --takes-over (HOLDFAST_TAKES_OVER); else "
        f"{'this volume is a copy: set its' if is_one else 'these volumes are copies: set their'} "
        f"reclaim policy to Retain, and delete {'it' if is_one else 'them'}"
    )


def _another(entries: Sequence[Entry]) -> list[Entry]:
    return [one for one in entries if one.finding is Finding.ANOTHER]


def _counted(entries: Sequence[Entry]) -> str:
    """`3 directories (2 of volumes, 1 archived) are not the ones in their records`."""
    if len(entries) == 1:
        return "1 directory is not the one in its record"
    numbers = Counter(one.detail or "of volumes" for one in entries)
    groups = ", ".join(f"{number} {what}" for what, number in sorted(numbers.items()))
    return f"{len(entries)} directories ({groups}) are not the ones in their records"
