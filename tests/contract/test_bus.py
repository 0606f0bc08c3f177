"""What every bus must do, asked of the embedded log and of a real Kafka."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from aloft.kit.bus import Bus, Delivery, Message, Subscription
from tests.contract.brokers import ADAPTERS, broker

DEADLINE_S = 30.0
ONE, TWO = "aloft.test.one.v1", "aloft.test.two.v1"


@pytest.fixture(params=ADAPTERS)
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bus]:
    bootstrap = request.getfixturevalue("kafka").bootstrap if request.param == "kafka" else None
    with broker(tmp_path, bootstrap) as made:
        made.create_topics([ONE, TWO])
        yield made


@pytest.fixture
def join(bus: Bus) -> Iterator[Callable[..., Subscription]]:
    members: list[Subscription] = []

    def joined(group: str = "group", topics: Sequence[str] = (ONE,)) -> Subscription:
        members.append(bus.subscribe(group, topics))
        return members[-1]

    yield joined
    for member in members:
        member.close()


def message(number: int, key: str = "k", topic: str = ONE) -> Message:
    return Message(topic, key, str(number).encode(), {"ce_id": f"{key}-{number}"})


KEYS = 12


def of_every_key(number: int) -> list[Message]:
    """One message for each of enough keys to touch every partition."""
    return [message(number, key=f"k{n}") for n in range(KEYS)]


def read(member: Subscription, count: int, limit: int = 100) -> list[Delivery]:
    found: list[Delivery] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(found) < count:
        assert time.monotonic() < deadline, f"read {len(found)} of {count} messages in {DEADLINE_S:.0f} s"
        found += member.poll(limit, 0.5)
    return found


def numbers(deliveries: Sequence[Delivery]) -> list[int]:
    return [int(each.message.value) for each in deliveries]


def test_a_message_arrives_as_it_was_published(bus: Bus, join: Callable[..., Subscription]) -> None:
    sent = Message(ONE, "campaign-ä", b"\x00\xff\n", {"ce_id": "1", "ce_subject": "Übersicht", "n": ""})
    assert list(bus.publish([sent])) == [True]
    (got,) = read(join(), 1)
    assert got.message == sent, "topic, key, value and headers arrive unchanged"


def test_each_key_keeps_its_order(bus: Bus, join: Callable[..., Subscription]) -> None:
    for start in range(0, 300, 100):
        batch = [message(n, key=f"k{n % 7}") for n in range(start, start + 100)]
        assert all(bus.publish(batch)), "everything is acknowledged"
    got: defaultdict[str, list[int]] = defaultdict(list)
    for each in read(join(), 300, limit=17):
        got[each.message.key].append(int(each.message.value))
    assert got == {f"k{k}": list(range(k, 300, 7)) for k in range(7)}


def test_a_poll_gives_no_more_than_its_limit_and_nothing_twice(
    bus: Bus, join: Callable[..., Subscription]
) -> None:
    bus.publish([message(n) for n in range(10)])
    member = join()
    first = read(member, 1, limit=4)
    assert len(first) <= 4
    rest = read(member, 10 - len(first))
    assert numbers([*first, *rest]) == list(range(10))
    assert list(member.poll(10, 0.0)) == []


def test_a_group_goes_on_after_what_it_committed(bus: Bus, join: Callable[..., Subscription]) -> None:
    bus.publish([message(n) for n in range(6)])
    member = join()
    got = read(member, 6)
    member.commit(got[:4])
    member.close()
    assert numbers(read(join(), 2)) == [4, 5], "what was read but not committed is given again"


def test_what_nobody_committed_is_read_again(bus: Bus, join: Callable[..., Subscription]) -> None:
    bus.publish([message(n) for n in range(3)])
    member = join()
    read(member, 3)
    member.close()
    assert numbers(read(join(), 3)) == [0, 1, 2]


def test_a_reader_that_lost_what_it_was_given_rewinds_to_what_was_committed(
    bus: Bus, join: Callable[..., Subscription]
) -> None:
    bus.publish([message(n) for n in range(4)])
    member = join()
    member.commit(read(member, 4)[:2])
    member.rewind()
    assert numbers(read(member, 2)) == [2, 3]


def test_each_group_reads_everything_from_the_beginning(bus: Bus, join: Callable[..., Subscription]) -> None:
    bus.publish([message(n) for n in range(5)])
    early = join("early")
    early.commit(read(early, 5))
    assert numbers(read(join("late"), 5)) == [0, 1, 2, 3, 4]


def test_one_member_reads_several_topics(bus: Bus, join: Callable[..., Subscription]) -> None:
    bus.publish([message(n, topic=topic) for n in range(20) for topic in (ONE, TWO)])
    got = read(join(topics=[ONE, TWO]), 40, limit=8)
    for topic in (ONE, TWO):
        assert numbers([each for each in got if each.message.topic == topic]) == list(range(20)), topic


def test_lag_counts_what_is_not_committed(bus: Bus, join: Callable[..., Subscription]) -> None:
    bus.publish([message(n) for n in range(8)])
    member = join()
    got = read(member, 8)
    member.commit(got[:5])
    assert sum(member.lag().values()) == 3
    member.commit(got)
    assert sum(member.lag().values()) == 0


def test_a_second_member_takes_over_when_the_first_leaves(
    bus: Bus, join: Callable[..., Subscription]
) -> None:
    bus.publish(of_every_key(0))
    first = join()
    first.commit(read(first, KEYS))
    second = join()
    first.close()
    bus.publish(of_every_key(1))
    assert numbers(read(second, KEYS)) == [1] * KEYS, "the second reads what the first did not, and all of it"


def test_a_member_that_lost_its_partitions_does_not_commit_for_their_new_reader(
    bus: Bus, join: Callable[..., Subscription]
) -> None:
    bus.publish(of_every_key(0))
    first = join()
    stale = read(first, KEYS)
    second = join()
    taken = poll_both_until_the_second_reads(first, second)
    second.commit(taken)
    oldest = min((each for each in stale if each.partition == taken[0].partition), key=lambda d: d.offset)
    first.commit([oldest])
    first.close()
    second.close()
    bus.publish(of_every_key(1))
    third = join()
    again: list[Delivery] = []
    while numbers(again).count(1) < KEYS:
        again += read(third, 1)
    twice = {(each.partition, each.offset) for each in again} & {
        (each.partition, each.offset) for each in taken
    }
    assert not twice, "a late commit of a member that had lost the partition moved the group back"


def poll_both_until_the_second_reads(first: Subscription, second: Subscription) -> list[Delivery]:
    """A broker moves partitions only while both members poll."""
    deadline = time.monotonic() + DEADLINE_S
    while not (taken := second.poll(100, 0.2)):
        assert time.monotonic() < deadline, "the second member was given nothing to read"
        first.poll(100, 0.2)
    return list(taken)


def test_nothing_is_acknowledged_on_a_topic_that_does_not_exist_and_others_go_on(
    bus: Bus, join: Callable[..., Subscription]
) -> None:
    batch = [message(1), message(2, topic="aloft.test.none.v1"), message(3)]
    assert list(bus.publish(batch)) == [True, False, True]
    assert numbers(read(join(), 2)) == [1, 3]


def test_missing_topics_are_named_and_creating_them_twice_changes_nothing(bus: Bus) -> None:
    names = [ONE, "aloft.test.new.v1", "aloft.test.new.v1.dlq"]
    assert list(bus.missing_topics(names)) == names[1:]
    bus.create_topics(names, {"aloft.test.new.v1"})
    bus.create_topics(names)
    assert list(bus.missing_topics(names)) == []


def test_a_reader_that_waits_is_woken_by_what_is_published(
    bus: Bus, join: Callable[..., Subscription]
) -> None:
    member = join()
    member.poll(1, 0.0)
    bus.publish([message(1)])
    started = time.monotonic()
    assert numbers(read(member, 1)) == [1]
    assert time.monotonic() - started < DEADLINE_S
