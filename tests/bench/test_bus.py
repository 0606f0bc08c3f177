"""The bench of the bus runs against given servers and answers in the shape that all benches share."""

import json

import pytest

from aloft.bench.bus import run
from aloft.bench.report import percentile
from tests.stack.kafka import Kafka
from tests.stack.postgres import Postgres


def test_it_answers_with_figures_in_units_and_ratios(kafka: Kafka, postgres: Postgres) -> None:
    told = run(kafka=kafka.bootstrap, postgres=postgres.admin_url, events=200, rounds=1, latency_events=5)
    assert list(told) == ["bench", "machine", "size", "figures", "ratios"]
    assert json.loads(json.dumps(told)) == told
    assert all(name.endswith(("_ms", "_per_second")) for name in told["figures"]), "a figure without its unit"
    assert {"throughput", "throughput_one_event_a_transaction"} == set(told["ratios"])
    assert told["figures"]["latency_p50_ms"] <= told["figures"]["latency_p99_ms"]


@pytest.mark.parametrize(("percent", "expected"), [(50, 2), (75, 3), (99, 4), (100, 4), (1, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([4, 1, 3, 2], percent) == expected


@pytest.mark.bench
def test_events_cost_at_most_twice_the_bare_work() -> None:
    told = run(latency_events=20)
    assert told["ratios"]["throughput"] >= 0.5
