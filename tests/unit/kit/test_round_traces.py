"""A round is one trace, however many events, jobs and calls of others lie in between."""

from collections.abc import Iterator, Sequence

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import select

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus import emit, rounds, tables
from aloft.kit.bus.topics import BATCH_CLOSED, BATCH_SELECTED, IMAGE_REGISTERED, MODEL_PUBLISHED
from aloft.kit.bus.tracing import handling
from aloft.kit.clock import ManualClock
from aloft.kit.database import Database, migrate
from aloft.kit.jobs import Jobs, JobWorker, Lease
from aloft.kit.telemetry import configure_tracing, continuing, span_from, traceparent

IMPORT = "00-11111111111111111111111111111111-1111111111111111-01"
SUBMIT = "00-33333333333333333333333333333333-3333333333333333-01"
OLDER = "00-44444444444444444444444444444444-4444444444444444-01"
ROUND = "00-22222222222222222222222222222222-2222222222222222-01"


@pytest.fixture
def database(tmp_path: object) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/s.db", schema="s", clock=ManualClock())
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    configure_tracing("test")
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    exporter.shutdown()


def traces(database: Database) -> Sequence[str]:
    """Read the traces of what was emitted, in order."""
    with database.read() as tx:
        rows = tx.execute(select(tables.outbox.c.traceparent).order_by(tables.outbox.c.id))
        return [said.split("-")[1] for said in rows.scalars()]


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    """Find the one span of that name."""
    (found,) = [span for span in spans.get_finished_spans() if span.name == name]
    return found


def test_a_selection_begins_a_trace_of_its_own_and_links_to_what_led_to_it(
    database: Database, spans: InMemorySpanExporter
) -> None:
    with span_from(ROUND, "job rank"), database.transaction() as tx:
        emit(tx, "c", events.BatchSelected(campaign="c", batch=3, version=2))
        emit(tx, "c", events.BatchClosed(campaign="c", batch=2))
    began, went_on = traces(database)
    assert went_on == ROUND.split("-")[1], "another event left the trace"
    assert began != went_on, "the selection goes on in the trace of the round before"
    round_ = named(spans, "round")
    assert round_.parent is None
    assert dict(round_.attributes or {}) == {"aloft.campaign": "c", "aloft.batch": 3, "aloft.version": 2}
    assert [f"{link.context.trace_id:032x}" for link in round_.links] == [ROUND.split("-")[1]]


def test_what_is_stored_goes_on_in_its_own_trace_with_a_link_to_the_caller(
    database: Database, spans: InMemorySpanExporter
) -> None:
    with span_from(IMPORT, "submit"):
        with continuing(ROUND, "close batch", {"aloft.batch": 3}), database.transaction() as tx:
            emit(tx, "c", events.BatchClosed(campaign="c", batch=3))
        assert traceparent().split("-")[1] == IMPORT.split("-")[1], "the caller lost its own trace"
    assert traces(database) == [ROUND.split("-")[1]]
    (link,) = named(spans, "close batch").links
    assert f"{link.context.trace_id:032x}" == IMPORT.split("-")[1]


def test_where_nothing_was_stored_the_callers_trace_goes_on() -> None:
    configure_tracing("test")
    with span_from(IMPORT, "submit"), continuing("", "close batch"):
        assert traceparent().split("-")[1] == IMPORT.split("-")[1]


def keep_round(database: Database, batch: int, parent: str) -> None:
    """Handle the selection of a batch, as the label store does."""
    with handling(BATCH_SELECTED.name, "c", "e", parent), database.transaction() as tx:
        rounds.remember(tx, "c", batch)


def test_what_a_vendors_call_brings_about_goes_on_in_the_round(
    database: Database, spans: InMemorySpanExporter
) -> None:
    keep_round(database, 2, OLDER)
    keep_round(database, 3, ROUND)
    with span_from(SUBMIT, "submit"), database.transaction() as tx:
        emit(tx, "c", events.LabelsCommitted(campaign="c", label_revision=7))
        emit(tx, "c", events.BatchClosed(campaign="c", batch=3))
        emit(tx, "c", events.ImageReleased(campaign="c", batch=2))
        emit(tx, "c", events.CampaignChanged())
        emit(tx, "d", events.BatchClosed(campaign="d", batch=3))
    expected = [ROUND, ROUND, OLDER, SUBMIT, SUBMIT]
    assert traces(database) == [one.split("-")[1] for one in expected]
    (link,) = named(spans, f"emit {BATCH_CLOSED.name}").links
    assert f"{link.context.trace_id:032x}" == SUBMIT.split("-")[1], "the call cannot be found from the round"


@pytest.mark.parametrize("others_first", [True, False])
def test_a_joined_job_belongs_to_the_round_whoever_asked_first(
    database: Database, spans: InMemorySpanExporter, others_first: bool
) -> None:
    jobs = Jobs(database)
    asking = [(IMAGE_REGISTERED.name, IMPORT), (MODEL_PUBLISHED.name, ROUND)]
    for topic, parent in asking if others_first else reversed(asking):
        with handling(topic, "c", "e", parent), database.transaction() as tx:
            jobs.enqueue(tx, "embed", "c", {}, dedupe="embed")

    def embed(lease: Lease) -> None:
        with lease.finish({"version": 4}) as tx:
            emit(tx, "c", events.PoolEmbedded(campaign="c", version=4))

    assert JobWorker(jobs, {"embed": embed}, "w").step()
    assert traces(database) == [ROUND.split("-")[1]], "the job left the round's trace"
    attributes = dict(named(spans, "job embed").attributes or {})
    assert (attributes["aloft.campaign"], attributes["aloft.version"]) == ("c", 4)
