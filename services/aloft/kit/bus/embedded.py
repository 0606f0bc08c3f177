"""A bus in one SQLite file: topics of one partition, groups, offsets. For a laptop, a demo and fast tests."""

import json
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from aloft.kit.bus.port import Delivery, Message

_SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, next INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS messages (
    topic TEXT NOT NULL, at INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, headers TEXT NOT NULL,
    PRIMARY KEY (topic, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS groups (
    name TEXT NOT NULL, topic TEXT NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (name, topic)
) WITHOUT ROWID;
"""


class EmbeddedBus:
    """One per file and process. Of a group's members the newest reads, so that a successor never waits."""

    def __init__(self, path: Path | str) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        self.changed = threading.Condition(threading.RLock())
        self._members: defaultdict[str, list[EmbeddedSubscription]] = defaultdict(list)

    def publish(self, messages: Sequence[Message]) -> Sequence[bool]:
        """Append; a message to a topic that does not exist is not acknowledged."""
        with self.transaction() as connection:
            taken = [self._append(connection, message) for message in messages]
        with self.changed:
            self.changed.notify_all()
        return taken

    @staticmethod
    def _append(connection: sqlite3.Connection, message: Message) -> bool:
        counted = "UPDATE topics SET next = next + 1 WHERE name = ? RETURNING next - 1"
        row = connection.execute(counted, (message.topic,)).fetchone()
        if row is None:
            return False
        connection.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?)",
            (message.topic, row[0], message.key, message.value, json.dumps(dict(message.headers))),
        )
        return True

    def subscribe(self, group: str, topics: Sequence[str]) -> "EmbeddedSubscription":
        """Join a group as the member that reads."""
        subscription = EmbeddedSubscription(self, group, topics)
        with self.changed:
            self._members[group].append(subscription)
        return subscription

    def create_topics(self, topics: Sequence[str], compacted: Collection[str] = ()) -> None:
        """Create what is missing. Nothing is ever removed, so compaction has nothing to do."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO topics (name) VALUES (?)", [(name,) for name in topics]
            )

    def missing_topics(self, topics: Sequence[str]) -> Sequence[str]:
        """Name those that do not exist."""
        with self.transaction() as connection:
            known = {name for (name,) in connection.execute("SELECT name FROM topics")}
        return [name for name in topics if name not in known]

    def close(self) -> None:
        """Close the file."""
        with self.changed:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Use the one connection, alone, for a transaction."""
        with self.changed:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def ends(self, topics: Sequence[str]) -> dict[str, int]:
        """Say the offset after the last message of each topic that exists."""
        marks = ", ".join("?" * len(topics))
        with self.changed:
            return dict(
                self._connection.execute(f"SELECT name, next FROM topics WHERE name IN ({marks})", topics)
            )

    def read(self, topic: str, start: int, limit: int) -> list[Delivery]:
        """Read a topic from an offset."""
        query = "SELECT at, key, value, headers FROM messages WHERE topic = ? AND at >= ? ORDER BY at LIMIT ?"
        with self.changed:
            rows = self._connection.execute(query, (topic, start, limit)).fetchall()
        return [
            Delivery(Message(topic, key, value, json.loads(told)), 0, at) for at, key, value, told in rows
        ]

    def committed(self, group: str, topic: str) -> int:
        """Say where a group goes on reading a topic."""
        query = "SELECT next FROM groups WHERE name = ? AND topic = ?"
        with self.changed:
            row = self._connection.execute(query, (group, topic)).fetchone()
        return int(row[0]) if row else 0

    def commit(self, group: str, offsets: Mapping[str, int]) -> None:
        """Say where a group goes on reading, all its topics at once."""
        put = (
            "INSERT INTO groups VALUES (?, ?, ?) ON CONFLICT (name, topic) DO UPDATE SET next = excluded.next"
        )
        with self.transaction() as connection:
            connection.executemany(put, [(group, topic, next_) for topic, next_ in offsets.items()])

    def reads(self, member: "EmbeddedSubscription") -> bool:
        """Say whether this member is the one of its group that reads."""
        with self.changed:
            members = self._members[member.group]
            return bool(members) and members[-1] is member

    def leave(self, member: "EmbeddedSubscription") -> None:
        """Take a member out of its group; the next newest reads on."""
        with self.changed:
            if member in self._members[member.group]:
                self._members[member.group].remove(member)
            self.changed.notify_all()


class EmbeddedSubscription:
    """One member of a group."""

    def __init__(self, bus: EmbeddedBus, group: str, topics: Sequence[str]) -> None:
        self._bus = bus
        self.group = group
        self._topics = tuple(topics)
        self._next: dict[str, int] = {}
        self._turn = 0

    def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """Read on; nothing while a newer member reads."""
        until = time.monotonic() + wait_s
        # Looking and waiting under one lock: what is published between them wakes this.
        with self._bus.changed:
            while True:
                reads = self._bus.reads(self)
                if not reads:
                    self.rewind()
                found = self._read(limit) if reads else []
                left = until - time.monotonic()
                if found or left <= 0:
                    return found
                self._bus.changed.wait(left)

    def _read(self, limit: int) -> list[Delivery]:
        found: list[Delivery] = []
        # Another topic first each time, so that a busy one starves no other.
        self._turn += 1
        turn = self._turn % max(1, len(self._topics))
        ends = self._bus.ends(self._topics)
        for topic in self._topics[turn:] + self._topics[:turn]:
            if topic not in self._next:
                self._next[topic] = self._bus.committed(self.group, topic)
            if ends.get(topic, 0) > self._next[topic] and len(found) < limit:
                found += self._bus.read(topic, self._next[topic], limit - len(found))
                self._next[topic] = found[-1].offset + 1
        return found

    def rewind(self) -> None:
        """Begin again after what the group committed."""
        self._next.clear()

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Move the group's offsets on, unless a newer member reads."""
        if self._bus.reads(self):
            offsets = {
                each.message.topic: each.offset + 1 for each in sorted(deliveries, key=lambda d: d.offset)
            }
            self._bus.commit(self.group, offsets)

    def lag(self) -> Mapping[tuple[str, int], int]:
        """Count what the group has not committed, while this member reads."""
        if not self._bus.reads(self):
            return {}
        ends = self._bus.ends(self._topics)
        return {(topic, 0): end - self._bus.committed(self.group, topic) for topic, end in ends.items()}

    def close(self) -> None:
        """Leave the group."""
        self._bus.leave(self)
