"""Options of exports(5): one answer to each question, and no contradiction."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.errors import Refused
from ansible_collections.holdfast.nfs.plugins.module_utils.nfs_server.options import (
    SWITCHES,
    differences,
    read_shown,
    render,
    settle,
)
from hypothesis import given
from hypothesis import strategies as st

DEFAULTS = "ro,sync,no_subtree_check,root_squash"


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ([], f"sec=sys,{DEFAULTS}"),
        (["rw"], "sec=sys,rw,sync,no_subtree_check,root_squash"),
        (["rw", "no_root_squash"], "sec=sys,rw,sync,no_subtree_check,no_root_squash"),
        (["no_root_squash", "rw"], "sec=sys,rw,sync,no_subtree_check,no_root_squash"),
        (["rw", "rw"], "sec=sys,rw,sync,no_subtree_check,root_squash"),
        (["async", "insecure"], "sec=sys,ro,async,no_subtree_check,root_squash,insecure"),
        (["sec=krb5p:sys"], f"sec=krb5p:sys,{DEFAULTS}"),
        (["no_auth_nlm"], f"sec=sys,{DEFAULTS},insecure_locks"),
        (["fsid=root"], f"sec=sys,{DEFAULTS},fsid=0"),
        (["fsid=077"], f"sec=sys,{DEFAULTS},fsid=77"),
        (["all_squash", "anonuid=1000"], f"sec=sys,{DEFAULTS},all_squash,anonuid=1000"),
        (["anongid=65534"], f"sec=sys,{DEFAULTS}"),
        (["mp"], f"sec=sys,{DEFAULTS},mountpoint"),
        (["xprtsec=mtls", "mountpoint=/srv"], f"sec=sys,{DEFAULTS},mountpoint=/srv,xprtsec=mtls"),
    ],
)
def test_options_are_completed_and_written_in_one_order(options: list[str], written: str) -> None:
    assert render(settle(options)) == written


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["ro", "rw"], "'ro' and 'rw' contradict each other; keep one"),
        (["root_squash", "no_root_squash"], "'root_squash' and 'no_root_squash' contradict"),
        (["sync", "async"], "'sync' and 'async' contradict"),
        (["auth_nlm", "insecure_locks"], "'secure_locks' and 'insecure_locks' contradict"),
        (["sec=sys", "sec=krb5"], "'sec=sys' and 'sec=krb5' contradict"),
        (["fsid=1", "fsid=2"], "'fsid=1' and 'fsid=2' contradict"),
        (["rw,sync"], "option 'rw,sync' is unknown; write a list, one option in each element"),
        (["readwrite"], "option 'readwrite' is unknown; known are ro, rw, "),
        (["RW"], "option 'RW' is unknown"),
        ([""], "option '' is unknown"),
        (["rw=1"], "option 'rw=1' is unknown"),
        (["colour=red"], "option 'colour=red' is unknown"),
        (["anonuid"], "option 'anonuid' needs a value, as in anonuid=…"),
        (["anonuid=nobody"], "anonuid=nobody is no id; it must be a number from 0 to"),
        (["anongid=-1"], "anongid=-1 is no id"),
        (["anonuid=4294967295"], "anonuid=4294967295 is no id"),
        (["sec=kerberos"], "sec=kerberos must be one or more of sys, krb5"),
        (["sec=sys:sys"], "sec=sys:sys must be"),
        (["sec="], "sec= must be"),
        (["xprtsec=ssl"], "xprtsec=ssl must be one or more of none, tls, mtls"),
        (["fsid=first"], "fsid=first must be a number, a UUID, or root"),
        (["fsid=4294967296"], "fsid=4294967296 must be"),
        (["mountpoint=/a b"], "mountpoint=/a b has a character that"),
        (["refer=/x@host)(rw"], "has a character that"),
    ],
)
def test_what_exports5_does_not_know_is_refused(options: list[str], sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        settle(options)

    assert sentence in str(caught.value)


def test_what_the_server_shows_is_what_was_wanted() -> None:
    shown = (
        "rw,sync,wdelay,hide,nocrossmnt,secure,no_root_squash,no_all_squash,no_subtree_check,"
        "secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,rw,no_root_squash"
    )

    assert differences(settle(["rw", "no_root_squash"]), read_shown(shown)) == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["ro"], ["'ro' instead of 'rw'"]),
        (["rw", "subtree_check"], ["'subtree_check' instead of 'no_subtree_check'"]),
        (["rw", "anonuid=7"], ["'anonuid=7' instead of 'no anonuid'"]),
        (
            ["rw", "sec=krb5", "fsid=7"],
            ["'sec=krb5' instead of 'sec=sys'", "'fsid=7' instead of 'no fsid'"],
        ),
    ],
)
def test_what_the_server_does_otherwise_is_named(options: list[str], found: list[str]) -> None:
    assert differences(settle(["rw"]), settle(options)) == found


@given(st.permutations([answer for pair in SWITCHES for answer in pair[1:]]), st.integers(0, 12))
def test_what_is_written_is_read_as_the_same(options: list[str], count: int) -> None:
    settled = settle(options[:count])

    assert settle(render(settled).split(",")) == settled
    assert differences(settled, read_shown(",".join(settled.values()))) == []
