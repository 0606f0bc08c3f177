"""The events that exist, and how they are written down as CloudEvents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus import ensure_topics
from aloft.kit.bus.cloudevents import Attributes, Malformed, from_headers, to_headers
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.metrics import metrics_in
from aloft.kit.bus.topics import COMPACTED, TOPICS, every_name, topic_of
from aloft.kit.bus.wiring import TopicsMissing

LINE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40)


def test_every_message_of_the_contract_but_their_parts_has_one_topic() -> None:
    declared = {topic.payload.DESCRIPTOR.name for topic in TOPICS}
    parts = {"RegisteredImage", "CommittedLabelSet", "SelectedImage"}
    assert declared == set(events.DESCRIPTOR.message_types_by_name) - parts
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)


def test_only_the_newest_configuration_of_a_campaign_need_be_kept() -> None:
    assert {"aloft.campaign.changed.v1"} == COMPACTED


def test_a_message_without_a_topic_is_named() -> None:
    with pytest.raises(LookupError, match="SelectedImage is not declared"):
        topic_of(events.SelectedImage)


def test_topics_are_created_or_missing_ones_are_named() -> None:
    bus = EmbeddedBus(":memory:")
    with pytest.raises(TopicsMissing, match=r"topics are missing: aloft\.campaign\.changed\.v1, "):
        ensure_topics(bus, create=False)
    ensure_topics(bus, create=True)
    ensure_topics(bus, create=False)
    assert bus.missing_topics(every_name()) == []
    bus.close()


@given(
    st.builds(
        Attributes,
        id=LINE,
        type=LINE,
        source=LINE,
        time_us=st.integers(0, 4_000_000_000_000_000),
        subject=LINE,
        traceparent=LINE,
    )
)
def test_attributes_survive_being_headers(attributes: Attributes) -> None:
    assert from_headers(to_headers(attributes)) == attributes


def test_a_time_without_a_zone_is_refused() -> None:
    headers = to_headers(Attributes("e", "t", "s", 0)) | {"ce_time": "2026-01-01T00:00:00"}
    with pytest.raises(Malformed, match="has no zone"):
        from_headers(headers)


def test_services_of_one_process_share_the_metrics_of_a_registry() -> None:
    registry = CollectorRegistry()
    assert metrics_in(registry) is metrics_in(registry)
