"""A volume's annotation is changed while the volume is being reclaimed."""

from __future__ import annotations

import pytest

from holdfast.claims.constants import ON_DELETE
from holdfast.controller.requeue import Requeue
from holdfast.exports.errors import TimedOut
from tests.fake.apiserver import Fault
from tests.unit.controller.given import a_volume, ref
from tests.unit.controller.site import Site, before, failing, once

keeps = pytest.mark.parametrize(
    ("action", "place"), [("retain", "team/data"), ("archive", "archived-data")]
)


@pytest.fixture
def released(site: Site) -> Site:
    """A volume with a file, which is to be deleted."""
    site.made_on_export(ref())
    (site.root / "team/data/file").write_text("data")
    site.add_volume(a_volume(ref(), phase="Released"))
    return site


def annotate(site: Site, action: str, *, seen: bool = True) -> None:
    site.edit("1", {"metadata": {"annotations": {ON_DELETE: action}}}, seen=seen)


def refuse_delete(site: Site) -> None:
    """An admission policy refuses to delete the volume; its directory is in the trash."""
    site.server.fail("delete", Fault(403))
    with pytest.raises(Requeue):
        site.look_after()
    assert (site.root / ".holdfast/trash/pvc-1/file").exists()


def end(site: Site) -> None:
    """The volume is deleted, and the trash emptied."""
    site.look_after()
    assert site.volume() is None
    for name in site.export.trashed():
        site.export.reap(site.grant, name, 1000)


@keeps
def test_what_is_said_while_the_directory_is_moved_is_heeded(
    released: Site, action: str, place: str
) -> None:
    before(released.export, "reclaim", once(lambda: annotate(released, action, seen=False)))
    with pytest.raises(Requeue):
        released.look_after()
    released.see()

    end(released)

    assert (released.root / place / "file").exists()


@keeps
def test_what_is_said_while_the_volume_cannot_be_deleted_is_heeded(
    released: Site, action: str, place: str
) -> None:
    refuse_delete(released)
    annotate(released, action)

    end(released)

    assert (released.root / place / "file").exists()


@keeps
def test_what_is_said_while_only_our_finalizer_holds_the_volume_is_heeded(
    released: Site, action: str, place: str
) -> None:
    released.server.meanwhile("patch", lambda _: annotate(released, action, seen=False))
    with pytest.raises(Requeue):
        released.look_after()
    released.see()

    end(released)

    assert (released.root / place / "file").exists()


@keeps
def test_the_next_leader_heeds_it(released: Site, action: str, place: str) -> None:
    refuse_delete(released)
    annotate(released, action)
    released.set_up(released.context)
    released.lead()

    end(released)

    assert (released.root / place / "file").exists()


def test_an_edited_class_does_not_change_it(released: Site) -> None:
    released.edit("1", {"metadata": {"annotations": {ON_DELETE: None}}})
    refuse_delete(released)
    released.add_class(onDelete="retain")

    end(released)

    assert list(released.root.rglob("file")) == []


def test_where_the_path_is_taken_it_stays_marked_whenever_the_process_ends(
    released: Site,
) -> None:
    """The reaper empties what is not marked, once somebody removes the volume by force."""
    refuse_delete(released)
    released.made_on_export(ref("2"))
    annotate(released, "retain")
    with pytest.raises(Requeue):
        released.look_after()

    for method in ("leave", "reclaim"):
        before(released.export, method, failing(TimedOut("it hangs")))
    with pytest.raises(TimedOut):
        released.look_after()

    record = released.record()
    assert record is not None
    assert record.retained_in_trash


def test_where_the_path_is_taken_an_event_says_what_to_do_until_it_is_done(released: Site) -> None:
    refuse_delete(released)
    released.made_on_export(ref("2"))
    annotate(released, "retain")

    with pytest.raises(Requeue):
        released.look_after()

    assert "set annotation holdfast.io/on-delete to 'delete'" in (
        released.said("VolumeFailedDelete")[-1].message
    )
    annotate(released, "delete")
    end(released)
    assert list(released.root.rglob("file")) == []
