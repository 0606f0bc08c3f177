"""What is odd in a campaign has a clear outcome, and the loop goes on or says why it stops."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from aloft.api.embedding.v1 import embedding_service_pb2
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1.campaign_pb2 import Campaign, Training
from aloft.imagery import ImageSpec, preprocess
from aloft.kit.bus import topics
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.port import Message
from aloft.kit.errors import InvalidArgument
from aloft.kit.objects.directory import DirectoryObjects
from tests.faults.slice_cases import scratch, templates
from tests.slice.story import LABELS, Story, one_step, shown, tile
from tests.slice.world import World, world


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Migrated, empty databases to begin every case with."""
    with scratch() as folder:
        yield templates(folder / "template")


@pytest.fixture
def here(template: Path) -> Iterator[World]:
    """Run a system in this process."""
    with scratch() as folder, world(folder / "world", template) as opened:
        yield opened


def rows(here: World, service: str, query: str) -> list[Any]:
    database = here.database(service)
    try:
        with database.read() as tx:
            return list(tx.execute(text(query)).all())
    finally:
        database.close()


def quarantined(here: World) -> dict[str, str]:
    query = "SELECT key, quarantine_reason AS reason FROM images WHERE quarantine_reason <> ''"
    return {row.key: row.reason for row in rows(here, "label_store", query)}


def test_a_corrupt_image_is_quarantined_with_its_reason_and_the_rest_goes_on(here: World) -> None:
    def corrupt(pool: Path) -> None:
        (pool / "tile-009.png").write_bytes(b"this is no image")

    story = Story(here, prepare=corrupt)
    story.tell()
    assert quarantined(here) == {"tile-009.png": "UNREADABLE"}
    story.check()


def test_an_image_that_lies_there_twice_is_two_images_with_labels_of_their_own(here: World) -> None:
    def double(pool: Path) -> None:
        (pool / "tile-005.png").write_bytes(tile(4))

    story = Story(here, prepare=double)
    story.tell()
    assert quarantined(here) == {}
    ids = rows(here, "label_store", "SELECT id FROM images WHERE key IN ('tile-004.png', 'tile-005.png')")
    assert len({row.id for row in ids}) == 2
    story.check()


def test_an_image_replaced_in_the_bucket_is_out_until_it_is_registered_anew(here: World) -> None:
    story = Story(here)
    story.set_up()
    replaced = here.folder / "pool" / "tile-009.png"
    replaced.write_bytes(tile(13))
    story.truth[hashlib.sha256(tile(13)).hexdigest()] = shown(13)
    here.until(lambda: bool(quarantined(here)), "the replaced image is quarantined")
    assert quarantined(here) == {"tile-009.png": "CHANGED"}

    story.import_images()
    here.until(lambda: not quarantined(here), "it can be used again once it is imported again")
    here.until(story.done, "the loop goes on", act=story.label)
    here.until(lambda: not here.step(), "everything comes to rest")
    # The checker compares the rows of the manifest with the pool: it is among them again.
    story.check()


def test_an_unknown_label_is_refused_by_name_and_changes_nothing(here: World) -> None:
    story = Story(here)
    story.set_up()
    leased: list[Any] = []

    def wait_for_tasks() -> bool:
        leased.extend(story.lease())
        return bool(leased)

    here.until(wait_for_tasks, "a batch is out")
    said = story.truth
    story.truth = {digest: frozenset({"submarine"}) for digest in said}
    with pytest.raises(InvalidArgument, match="the taxonomy has no label 'submarine'"):
        story.submit(leased)
    assert rows(here, "label_store", "SELECT task FROM annotations") == []
    story.truth = said
    story.submit(leased)
    here.until(story.done, "the loop goes on", act=story.label)
    here.until(lambda: not here.step(), "everything comes to rest")
    story.check()


def test_an_event_that_does_not_parse_is_dead_with_its_reason_and_the_next_is_handled(here: World) -> None:
    story = Story(here)
    story.set_up()
    bus = EmbeddedBus(here.folder / "bus.db")
    headers = {
        "ce_specversion": "1.0",
        "ce_id": "not-an-event",
        "ce_type": topics.BATCH_CLOSED.type,
        "ce_source": "elsewhere",
        "content-type": "application/protobuf",
    }
    bus.publish([Message(topics.BATCH_CLOSED.name, story.campaign, b"\xff\xff\xff", headers)])
    bus.close()
    here.until(story.done, "the loop goes on", act=story.label)
    here.until(lambda: not here.step(), "everything comes to rest")
    for service in ("acquisition", "trainer"):
        dead = rows(here, service, "SELECT event, error FROM inbox WHERE state = 'dead'")
        assert [row.event for row in dead] == ["not-an-event"], f"{service} has {dead}"
        assert "parsing message" in dead[0].error, f"{service} does not say what is wrong: {dead[0].error}"


def test_features_that_are_no_numbers_leave_their_image_out_and_are_counted(here: World) -> None:
    """Half precision cannot hold what the brightest image brings out of these weights."""
    from aloft.networks import FeatureExtractor, build, choose_device, save_weights

    spec = ImageSpec(height=8, width=8)
    backbone = build("tiny", 3, 0)
    images = np.stack([preprocess(tile(number), spec) for number in range(4, 10)])
    largest = FeatureExtractor(backbone, choose_device("cpu"))(images).max(axis=1)
    first, second = np.sort(largest)[::-1][:2]
    scale = 65504.0 / float(np.sqrt(first * second))
    last = backbone.network.last
    with __import__("torch").no_grad():
        for weights in (last.weight, last.bias):  # type: ignore[union-attr]
            weights.mul_(scale)  # type: ignore[operator]
    DirectoryObjects(here.folder / "objects").put("weights.safetensors", save_weights(backbone))

    def from_weights(campaign: Campaign) -> None:
        campaign.base_model.checkpoint_key = "weights.safetensors"
        campaign.training.mode = Training.MODE_PROBE

    story = Story(here, configure=from_weights)
    story.tell()
    left_out = rows(here, "acquisition", "SELECT version, left_out FROM rankings ORDER BY number")
    assert [row.left_out for row in left_out] == [1] * len(left_out), left_out
    odd = f"tile-{4 + int(largest.argmax()):03}.png"
    labelled = rows(here, "label_store", f"SELECT batch FROM images WHERE key = '{odd}'")
    assert labelled[0].batch is None, f"{odd} was selected although it has no score"


def test_a_pool_smaller_than_the_batch_is_sent_out_whole_and_then_exhausted(here: World) -> None:
    story = Story(here, images=3, batch=5)
    story.set_up()

    def exhausted() -> bool:
        closed = rows(here, "label_store", "SELECT number FROM batches WHERE close_reason = 'COMPLETE'")
        versions = rows(here, "trainer", "SELECT version FROM models")
        return len(closed) == 1 and len(versions) == 2

    here.until(exhausted, "the one batch is closed and learned from", act=story.label)
    here.until(lambda: not here.step(), "everything comes to rest")
    [batch] = rows(here, "acquisition", "SELECT images, shortfall FROM batches")
    assert (batch.images, batch.shortfall.split(":")[0]) == (3, "3 of 5 images")
    assert any("exhausted" in said for said in waiting(here, story)), waiting(here, story)


def waiting(here: World, story: Story) -> list[str]:
    """What acquisition says that it waits for."""
    from aloft.api.explanation.v1.explanation_service_pb2 import ExplainCampaignRequest

    request = ExplainCampaignRequest(name=story.parent)
    answer = here.call("acquisition", "ExplanationService", "ExplainCampaign", request)
    return [cause.waits_for for cause in answer.causes]


def test_a_label_that_nobody_has_found_yet_stops_nothing(here: World) -> None:
    story = Story(here)
    story.set_up()
    story.truth = {digest: labels - {"ship"} for digest, labels in story.truth.items()}
    here.until(story.done, "the loop goes on", act=story.label)
    here.until(lambda: not here.step(), "everything comes to rest")
    [version] = [event for event in published(here) if not event.base]
    assert version.promoted, f"it was not promoted: {version.gate_failure}"
    assert list(version.labels) == list(LABELS)


def published(here: World) -> list[events.ModelPublished]:
    bus = EmbeddedBus(here.folder / "bus.db")
    subscription = bus.subscribe("reader", [topics.MODEL_PUBLISHED.name])
    found = [events.ModelPublished.FromString(one.message.value) for one in subscription.poll(100, 0.0)]
    subscription.close()
    bus.close()
    return found


def test_without_held_out_labels_versions_are_promoted_unjudged(here: World) -> None:
    story = Story(here, held_out=0)
    story.tell()
    [version] = [event for event in published(here) if not event.base]
    assert version.promoted
    assert not version.HasField("score"), f"a score of {version.score} on nothing"
    story.check()


def test_a_gate_without_held_out_labels_is_refused_with_the_fix(here: World) -> None:
    def gated(campaign: Campaign) -> None:
        campaign.gate.minimum = 0.5

    with pytest.raises(InvalidArgument) as refused:
        Story(here, held_out=0, configure=gated).create()
    fields = [violation.field for violation in refused.value.violations]
    assert any(field.startswith("campaign.") for field in fields), fields
    assert "held_out" in str(refused.value)


def test_a_version_that_fails_its_gate_is_not_used_and_selection_goes_on_without_it(here: World) -> None:
    def gated(campaign: Campaign) -> None:
        one_step(campaign)
        campaign.gate.minimum = 1.0

    story = Story(here, held_out=16, configure=gated)
    story.tell()
    base, version = sorted(published(here), key=lambda event: event.version)
    assert base.promoted
    assert not version.promoted, f"a network of one step scored {version.score}"
    assert "1" in version.gate_failure, version.gate_failure
    batches = rows(here, "acquisition", "SELECT number, version FROM batches ORDER BY number")
    assert [row.version for row in batches] == [base.version] * 2, batches
    request = embedding_service_pb2.GetPoolRequest(name=f"{story.parent}/pool")
    pool = here.call("embedding", "EmbeddingService", "GetPool", request)
    assert pool.model_version == base.version
