import pytest

from aloft.trainer.domain.snapshot import Item, Snapshot, Split

ITEMS = (
    Item("a" * 32, 1, "pool/a b\u2028.png", "e1", Split.POOL, ("ship",), ("water",)),
    Item("b" * 32, 3, "pool/b.png", "e2", Split.TEST),
)
SNAPSHOT = Snapshot("c", 7, ("water", "ship", "field"), 2, ITEMS)


def test_a_snapshot_is_read_as_it_was_written_and_always_has_the_same_bytes() -> None:
    data = SNAPSHOT.to_bytes()
    assert Snapshot.from_bytes(data) == SNAPSHOT
    assert SNAPSHOT.to_bytes() == data


def test_a_snapshot_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="later/9"):
        Snapshot.from_bytes(SNAPSHOT.to_bytes().replace(b"aloft.snapshot/1", b"later/9"))


def test_a_snapshot_knows_what_each_image_is_for() -> None:
    assert SNAPSHOT.of(Split.POOL) == [ITEMS[0]]
    assert SNAPSHOT.of(Split.VALIDATION) == []
