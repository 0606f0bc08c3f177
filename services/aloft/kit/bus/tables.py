"""The tables of outbox and inbox as this code uses them. `bus_0001` makes them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    MetaData,
    ScalarSelect,
    Table,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    select,
)

METADATA = MetaData()
_ID = BigInteger().with_variant(Integer(), "sqlite")

outbox = Table(
    "outbox",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("event", Text),
    Column("aggregatetype", Text),
    Column("aggregateid", Text),
    Column("type", Text),
    Column("subject", Text),
    Column("topic", Text),
    Column("traceparent", Text),
    Column("headers", Text),
    Column("payload", LargeBinary),
    Column("created_us", BigInteger),
    Column("published_us", BigInteger),
)

inbox = Table(
    "inbox",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("event", Text),
    Column("topic", Text),
    Column("key", Text),
    Column("headers", Text),
    Column("payload", LargeBinary),
    Column("state", Text),
    Column("attempts", Integer),
    Column("error", Text),
    Column("received_us", BigInteger),
    Column("finished_us", BigInteger),
)

lanes = Table(
    "inbox_lanes",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("due_us", BigInteger),
    Column("attempts", Integer),
    Column("error", Text),
)

rounds = Table(
    "rounds",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("batch", BigInteger, primary_key=True),
    Column("traceparent", Text),
)

PENDING, DONE, DEAD = "pending", "done", "dead"
"""States of an event in the inbox."""

# Literals, because a partial index is not matched with a bound parameter.
IS_PENDING = inbox.c.state == literal_column("'pending'")
IS_DONE = inbox.c.state == literal_column("'done'")
IS_DEAD = inbox.c.state == literal_column("'dead'")


def now() -> ScalarSelect[int]:
    """The database's time as a value that an index can be searched with: read once, not for each row."""
    return select(func.aloft_now(type_=BigInteger)).scalar_subquery()


def among_sqlite(column: Column[int]) -> ColumnElement[bool]:
    """Match the rows named by the parameter `ids`."""
    return column.in_(bindparam("ids", expanding=True))


def among_postgresql(column: Column[int]) -> ColumnElement[bool]:
    """Match the rows named by the parameter `ids`: as one array, so that the statement is always the same."""
    return column == any_(bindparam("ids", type_=ARRAY(BigInteger)))
