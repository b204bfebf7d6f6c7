"""examples/mysql-replication with MariaDB: one writes, all read, and none begins from nothing."""

from __future__ import annotations

import pytest

from testbed.errors import LabError
from tests.lab.examples.cluster import EXAMPLES, PATIENCE, Space, until

pytestmark = pytest.mark.timeout(1200)
NAMES = [f"mysql-{number}" for number in range(5)]
PRIMARY, REPLICAS = NAMES[0], NAMES[1:3]
MINUTES = 900.0  # the first start makes the databases, and each copy is some 100 MB through NFS


@pytest.fixture(scope="module", autouse=True)
def applied(space: Space) -> None:
    space.apply(EXAMPLES / "mysql-replication/mariadb")
    space.roll_out("statefulset/mysql", MINUTES)
    sql(space, PRIMARY, "CREATE DATABASE shop; CREATE TABLE shop.orders (what VARCHAR(40))")


def sql(space: Space, pod: str, statement: str, host: str = "127.0.0.1") -> str:
    client = ("mariadb", f"--host={host}", "--user=root", "--batch", "--skip-column-names")
    return space.kubectl(
        "exec", pod, "--container=mysql", "--", *client, f"--execute={statement}"
    ).strip()


def write(space: Space, what: str) -> None:
    """As a program would: by the name of the one that is for writing."""
    sql(space, REPLICAS[-1], f"INSERT INTO shop.orders VALUES ('{what}')", "mysql-0.mysql")


def await_row(space: Space, pod: str, what: str) -> None:
    def there() -> bool:
        try:
            return what in sql(space, pod, "SELECT what FROM shop.orders").splitlines()
        except LabError:
            return False

    until(there, PATIENCE, f"{what} in {pod}")


def test_the_first_writes_and_the_others_only_read(space: Space) -> None:
    roles = {name: sql(space, name, "SELECT @@read_only") for name in NAMES[:3]}

    assert roles == {PRIMARY: "0", REPLICAS[0]: "1", REPLICAS[1]: "1"}


def test_data_is_on_the_servers_disk_when_a_transaction_is_answered(space: Space) -> None:
    asked = "SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog"

    assert [sql(space, name, asked).split() for name in NAMES[:3]] == [["1", "1"]] * 3
    [options] = {" ".join(volume["spec"]["mountOptions"]) for volume in space.volumes()}
    assert "hard" in options
    assert "nolock" not in options


def test_a_row_that_is_written_is_read_at_every_replica(space: Space) -> None:
    write(space, "a row")

    for name in REPLICAS:
        await_row(space, name, "a row")


def test_reads_by_the_name_for_reading_go_to_more_than_one(space: Space) -> None:
    answered: set[str] = set()

    def more_than_one() -> bool:
        answered.add(sql(space, PRIMARY, "SELECT @@server_id", "mysql-read"))
        return len(answered) > 1

    until(more_than_one, PATIENCE)


def test_a_replica_was_cloned_from_the_one_before_it(space: Space) -> None:
    for name, before in zip(REPLICAS, NAMES, strict=False):
        said = space.kubectl("logs", name, "--container=clone-mysql")
        assert "completed OK" in said, before


def test_a_replica_that_was_deleted_catches_up(space: Space) -> None:
    space.kubectl("delete", "pod", REPLICAS[0], "--wait=false")
    write(space, "while one is away")
    space.kubectl("wait", f"pod/{REPLICAS[0]}", "--for=delete", "--timeout=200s", deadline=210)
    space.roll_out("statefulset/mysql", MINUTES)

    await_row(space, REPLICAS[0], "while one is away")


def test_two_more_have_all_rows_and_follow_and_their_claims_stay_without_them(
    space: Space,
) -> None:
    space.kubectl("scale", "statefulset/mysql", "--replicas=5")
    space.roll_out("statefulset/mysql", MINUTES)
    write(space, "to five")

    for name in NAMES[1:]:
        for what in ("a row", "while one is away", "to five"):
            await_row(space, name, what)

    space.kubectl("scale", "statefulset/mysql", "--replicas=3")
    until(lambda: list(space.pods("app=mysql")) == NAMES[:3], PATIENCE)
    assert sorted(space.bound()) == [f"data-{name}" for name in NAMES]
    write(space, "to three")
    for name in REPLICAS:
        await_row(space, name, "to three")
