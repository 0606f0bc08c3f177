"""The trace of a round is kept once, and found by its batch or as the newest, on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aloft.kit.bus import rounds
from aloft.kit.database import Database, migrate
from aloft.kit.telemetry import configure_tracing, span_from
from tests.contract.databases import place

FIRST, SECOND = (f"00-{digit * 32}-{digit * 16}-01" for digit in "12")


@pytest.fixture
def database(admin_url: str | None, tmp_path: Path) -> Iterator[Database]:
    configure_tracing("test")
    with place(tmp_path, admin_url) as here:
        opened = here.open()
        migrate(opened)
        yield opened


def keep(database: Database, batch: int, parent: str) -> None:
    with span_from(parent, "handle"), database.transaction() as tx:
        rounds.remember(tx, "c", batch)


def found(database: Database, batch: int | None, key: str = "c") -> str:
    with database.read() as tx:
        return rounds.trace_of(tx, key, batch)[3:35]


def test_the_first_trace_of_a_batch_stays_and_the_newest_batch_is_the_campaigns(database: Database) -> None:
    keep(database, 3, FIRST)
    keep(database, 3, SECOND)
    assert found(database, 3) == "1" * 32
    keep(database, 12, SECOND)
    assert (found(database, 3), found(database, 12), found(database, None)) == ("1" * 32, "2" * 32, "2" * 32)


def test_what_was_never_kept_has_no_trace(database: Database) -> None:
    with database.transaction() as tx:
        rounds.remember(tx, "c", 1)
    assert found(database, 1) == "", "without a trace there is nothing to keep"
    assert found(database, None, key="another") == ""
