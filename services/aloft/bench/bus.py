"""Events from outbox commit to effect committed, beside bare produce, consume and SQL."""

import statistics
from typing import Any

from aloft.bench import bus_bare, bus_latency, bus_ours
from aloft.bench.bus_room import Room, room
from aloft.bench.report import report
from aloft.bench.servers import servers

KEYS, WORKERS = 20, 4


def run(
    *,
    kafka: str | None = None,
    postgres: str | None = None,
    events: int = 3_000,
    rounds: int = 3,
    latency_events: int = 200,
) -> dict[str, Any]:
    """Measure. `postgres` may create databases; a server that no address is given for is started."""
    with servers(kafka, postgres) as where:
        ours, single, bare = [], [], []
        # In turns, so that what else the machine does meets all of them alike.
        for _ in range(rounds):
            with room(where) as here:
                ours.append(bus_ours.events_per_second(here, events, KEYS, WORKERS))
            with room(where) as here:
                single.append(bus_ours.events_per_second(here, events, KEYS, WORKERS, batch=1))
            with room(where) as here:
                bare.append(bus_bare.events_per_second(here, events, KEYS, WORKERS))
        with room(where) as here:
            durable = here.durable()
            latency = bus_latency.figures(here, latency_events)
    ours_s, single_s, bare_s = (statistics.median(each) for each in (ours, single, bare))
    return report(
        "bus",
        {
            "events": events,
            "keys": KEYS,
            "workers": WORKERS,
            "rounds": rounds,
            "payload_bytes": len(Room.payload(0)),
            "commits_wait_for_the_disk": durable,
            "latency_events": latency_events,
            "latency_events_per_second": bus_latency.RATE,
        },
        {
            "throughput_events_per_second": ours_s,
            "throughput_one_event_a_transaction_events_per_second": single_s,
            "bare_throughput_events_per_second": bare_s,
            **latency,
        },
        # Up to fifty events of a key share a transaction here, and the bare loop has one for each: that alone
        # takes the first ratio above 1 where commits wait for the disk.
        {"throughput": ours_s / bare_s, "throughput_one_event_a_transaction": single_s / bare_s},
    )
