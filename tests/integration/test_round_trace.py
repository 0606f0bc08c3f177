"""One round of a campaign is one connected trace, found by campaign, batch and version."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from aloft.api.labels.v1.campaign_pb2 import Campaign, Training
from aloft.kit.telemetry import configure_tracing, span_from
from tests.slice.story import CAMPAIGN, Story
from tests.slice.world import templates, world

ROUND = (
    "round",
    "handle aloft.batch.selected.v1",
    "emit aloft.labels.committed.v1",
    "emit aloft.batch.closed.v1",
    "handle aloft.batch.closed.v1",
    "job fine_tune",
    "handle aloft.model.published.v1",
    "job embed",
    "handle aloft.pool.embedded.v1",
    "job rank",
)
"""What happens in a round, in its order."""


def probing(campaign: Campaign) -> None:
    """Solve a head on the base version: the quickest way to a version."""
    campaign.training.mode = Training.MODE_PROBE


class Traced(Story):
    """Labels as a vendor whose calls are traces of their own."""

    def label(self) -> bool:
        """Lease and submit under the span of a call."""
        with span_from("", "vendor"):
            return super().label()


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[ReadableSpan]]:
    """Close one batch of a campaign, and let the next one be selected under the version it made."""
    configure_tracing("test")
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    folder: Path = tmp_path_factory.mktemp("trace")
    try:
        with world(folder / "w", templates(folder / "empty")) as made:
            Traced(made, configure=probing).tell()
        yield exporter.get_finished_spans()
    finally:
        exporter.shutdown()


def of_round(spans: Sequence[ReadableSpan], batch: int) -> list[ReadableSpan]:
    """Read the trace of a batch's round, in the order in which its spans began."""
    (root,) = [one for one in spans if one.name == "round" and told(one, "batch") == batch]
    found = [one for one in spans if one.context.trace_id == root.context.trace_id]
    return sorted(found, key=lambda one: one.start_time or 0)


def told(span: ReadableSpan, name: str) -> object:
    return (span.attributes or {}).get(f"aloft.{name}")


def test_a_round_is_one_trace_from_its_selection_to_its_ranking(spans: Sequence[ReadableSpan]) -> None:
    names = [one.name for one in of_round(spans, 1)]
    first = [names.index(name) if name in names else None for name in ROUND]
    missing = [name for name, at in zip(ROUND, first, strict=True) if at is None]
    assert not missing, f"the trace of the round lacks {missing}; it has {names}"
    assert first == sorted(at for at in first if at is not None), f"it has another order: {names}"


def test_every_span_of_it_but_the_first_has_its_parent_there(spans: Sequence[ReadableSpan]) -> None:
    found = of_round(spans, 1)
    known = {one.context.span_id for one in found}
    roots = [one.name for one in found if one.parent is None or one.parent.span_id not in known]
    assert roots == ["round"]


def test_it_is_found_by_campaign_and_by_version(spans: Sequence[ReadableSpan]) -> None:
    found = of_round(spans, 1)
    assert {told(one, "campaign") for one in found} == {CAMPAIGN}
    made = {told(one, "version") for one in found if one.name in ("job fine_tune", "job embed")}
    (version,) = made
    elsewhere = {
        one.context.trace_id
        for one in spans
        if told(one, "version") == version and one.name.startswith(("job ", "handle aloft.model"))
    }
    assert elsewhere == {found[0].context.trace_id}, "what was done for the version lies in several traces"


def test_the_next_round_is_a_trace_of_its_own_with_a_link_back(spans: Sequence[ReadableSpan]) -> None:
    first, second = of_round(spans, 1), of_round(spans, 2)
    assert [link.context.trace_id for link in second[0].links] == [first[0].context.trace_id]


def test_the_closing_links_to_the_vendors_call(spans: Sequence[ReadableSpan]) -> None:
    calls = {one.context.trace_id for one in spans if one.name == "vendor"}
    (closing,) = [one for one in of_round(spans, 1) if one.name == "emit aloft.batch.closed.v1"]
    assert {link.context.trace_id for link in closing.links} <= calls
    assert closing.links
