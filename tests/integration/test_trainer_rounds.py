"""From labels to versions: when a run begins, what it learns from, how it is judged, and what is promoted."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.bus.context import NotYet
from aloft.kit.errors import FailedPrecondition, InvalidArgument
from aloft.kit.explaining import Kind
from aloft.kit.ids import image_id
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.errors import StoreUnavailable
from aloft.networks.head import load_head
from aloft.serving.archive import read_archive
from aloft.trainer.domain.runs import BASE, FINE_TUNE
from tests.integration.trainer_world import (
    CAMPAIGN,
    LABELS,
    PAUSED,
    STOPPED,
    TEST,
    VALIDATION,
    World,
    committed,
    world_on,
)

PROBE = {"mode": labels.Training.MODE_PROBE}
LEARNED, JUDGED, TESTED = range(12), range(100, 112), range(200, 212)


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    with world_on(tmp_path, admin_url) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    """A world on SQLite, for what a database does not change."""
    with world_on(tmp_path) as made:
        yield made


def based(world: World, **said: Any) -> None:
    """Begin a campaign that has its base version."""
    world.campaign(1, training=PROBE, **said)
    assert world.work() == [BASE]


def trained(world: World) -> events.ModelPublished:
    """Let a batch close, and take the version that is trained on it."""
    world.close()
    assert world.work() == [FINE_TUNE]
    return world.published()[-1]


def test_a_batch_that_closes_with_labels_is_followed_by_a_version(world: World) -> None:
    based(world)
    world.label(JUDGED, VALIDATION)
    world.label(TESTED, TEST)
    world.label(LEARNED)
    assert world.work() == [], "labels alone ask for no version"
    event = trained(world)
    assert (event.version, event.base, event.promoted, event.label_revision) == (2, False, True, 3)
    assert tuple(event.labels) == LABELS
    assert event.score == event.metrics["validation/map_macro"] > 0.6
    assert {"test/map_macro", "test/ap/bright", "validation/ap/striped"} <= set(event.metrics)
    assert world.training().waiting_for == ""
    assert world.work() == [], "what is learned is not learned again"


def test_a_version_is_described_with_its_head_its_score_and_its_parent(world: World) -> None:
    based(world)
    world.label(JUDGED, VALIDATION)
    world.label(LEARNED)
    event = trained(world)
    base, model, run = world.model(1), world.model(2), world.run(2)
    assert model.backbone_digest == base.backbone_digest, "a probe keeps the backbone"
    assert (model.score, model.parent_version, tuple(model.labels)) == (event.score, 1, LABELS)
    assert (model.desired, base.desired) == (True, False)
    assert run.fine_tune == api.FineTuneRun(label_revision=2, parent_version=1)
    head = load_head(world.objects.get(event.artefact_key))
    assert head is not None
    assert head.weight.shape == (len(LABELS), event.feature_size)


def test_the_archive_answers_as_the_version_did_when_it_was_made(here: World) -> None:
    based(here)
    here.label(JUDGED, VALIDATION)
    here.label(LEARNED)
    event = trained(here)
    data = here.objects.get(here.model(2).archive_key)
    served, weights = read_archive(data)
    card = here.card(event)
    assert sha256_hex(weights) == event.artefact_digest
    assert served.labels == LABELS
    assert (served.temperature, list(served.thresholds)) == (card["temperature"], card["thresholds"])
    assert {len(row) for row in served.golden.outputs} == {len(LABELS)}, "golden outputs are logits"
    assert card["golden"]["outputs"] == [list(row) for row in served.golden.outputs]


def test_the_card_says_what_the_version_was_made_of(here: World) -> None:
    based(here)
    here.label(JUDGED, VALIDATION)
    here.label(LEARNED)
    event = trained(here)
    card = here.card(event)
    assert (card["parent"], card["label_revision"], card["strategy"], card["mode"]) == (
        1,
        2,
        "random",
        "probe",
    )
    snapshot = here.objects.get(card["data_snapshot_key"])
    assert sha256_hex(snapshot) == card["data_snapshot_digest"]
    assert len(snapshot.splitlines()) == 1 + len(LEARNED) + len(JUDGED)
    assert card["metrics"] == dict(event.metrics)
    assert card["judged_on"] == "validation"
    assert card["data"]["pool"] == {"images": 12, "left_out": {}}
    assert card["positives"] == {"bright": 6, "dark": 6, "striped": 4}
    assert (card["archive_digest"], card["seed"]) == (here.model(2).archive_digest, 1)


def test_a_closing_that_asks_for_no_version_gets_none(world: World) -> None:
    based(world)
    world.label(LEARNED)
    world.close(train=False)
    assert world.work() == []


def test_a_run_begins_only_when_no_label_revision_is_missing(world: World) -> None:
    based(world)
    world.label(LEARNED, revision=2)
    world.label(range(20, 24), revision=4)
    world.close(revision=2)
    assert world.work() == []
    assert "label revision 2; 0 is applied" in world.causes()["LABEL_REVISIONS"].waits_for
    world.label(range(30, 34), revision=1)
    assert world.work() == [FINE_TUNE]
    assert world.published()[-1].label_revision == 2, "revision 4 is there, and 3 is not"


def test_a_run_learns_from_the_label_sets_of_its_revision(world: World) -> None:
    based(world)
    revision = world.label(LEARNED)
    world.close()
    world.hear(committed(revision + 1, {0: ["dark"]}, version=2, unsure=["striped"]))
    world.hear(committed(revision, {0: ["dark"]}, version=1))  # told twice
    assert world.work() == [FINE_TUNE]
    assert _snapshot(world)[image_id("0.png")]["positive"] == ["bright", "striped"]
    world.close(2, revision + 1)
    assert world.work() == [FINE_TUNE]
    item = _snapshot(world)[image_id("0.png")]
    assert (item["positive"], item["unsure"]) == (["dark"], ["striped"])


def _snapshot(world: World) -> dict[str, Any]:
    lines = world.objects.get(world.card(world.published()[-1])["data_snapshot_key"]).splitlines()[1:]
    return {item["image"]: item for item in map(json.loads, lines)}


def test_two_closings_in_quick_succession_are_learned_from_by_one_run(here: World) -> None:
    based(here)
    here.label(LEARNED)
    here.close(1)
    here.label(range(20, 30))
    here.close(2)
    assert here.work() == [FINE_TUNE, FINE_TUNE], "the first run was created before the second closing"
    here.label(range(40, 44))
    here.label(range(50, 54))
    here.close(3, here.revision - 1)
    assert here.published()[-1].label_revision == 2
    here.work()
    here.close(4)
    assert here.work() == [], "revision 4 was applied when the run was created"
    assert here.published()[-1].label_revision == 4


def test_the_evaluation_batch_is_labelled_before_the_first_run(world: World) -> None:
    based(world, evaluation_images=24)
    world.label(LEARNED)
    world.close()
    assert world.work() == []
    assert world.causes()["EVALUATION_BATCH"].kind is Kind.WAITING
    world.label(JUDGED, VALIDATION)
    world.close(0, train=False)
    assert world.work() == [FINE_TUNE]
    assert world.published()[-1].HasField("score")


@pytest.mark.parametrize(("state", "then"), [(PAUSED, []), (STOPPED, [FINE_TUNE])])
def test_a_stopped_campaign_gets_its_last_version_and_a_paused_one_waits(
    here: World, state: labels.Campaign.State.ValueType, then: list[str]
) -> None:
    based(here)
    here.campaign(2, state, training=PROBE)
    here.label(LEARNED)
    here.close()
    assert here.work() == then
    here.campaign(3, training=PROBE)
    assert here.work() == ([] if then else [FINE_TUNE])


def test_a_run_that_failed_for_good_is_left_to_an_operator(world: World) -> None:
    based(world)
    world.label([1])
    world.close()
    assert world.work() == [FINE_TUNE]
    assert world.run(2).state == api.Run.STATE_FAILED
    assert "TOO_FEW_IMAGES: 1 of 1 labelled images" in world.run(2).error
    world.campaign(2, training=PROBE)
    assert world.work() == [], "the same labels would end so again"
    stuck = world.causes()["RUN_FAILED"]
    assert stuck.kind is Kind.STUCK
    assert "run 2 failed: TOO_FEW_IMAGES" in stuck.waits_for
    assert "aloft run create c --fine-tune" in stuck.remedy
    assert "TOO_FEW_IMAGES" in world.training().waiting_for
    world.label(LEARNED)
    run = world.create(api.Run(fine_tune=api.FineTuneRun()))
    assert (run.model_version, run.fine_tune.label_revision) == (3, 2)
    assert world.work() == [FINE_TUNE]
    assert [event.version for event in world.published()] == [1, 3]
    assert "RUN_FAILED" not in world.causes()


def test_what_is_due_is_begun_after_a_run_whose_last_attempt_failed(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aloft.trainer.use_cases.create_run.ATTEMPTS", 1)
    based(here)
    here.label(LEARNED)
    here.close()

    def fail(*_: object) -> None:
        here.label([90])
        here.close(2)
        raise ValueError("it breaks")

    with monkeypatch.context() as broken:
        broken.setattr("aloft.trainer.use_cases.fine_tune.learn_from_labels", fail)
        assert here.work() == [FINE_TUNE]
    assert "it breaks" in here.run(2).error
    assert here.run(2).state == api.Run.STATE_FAILED
    here.database.advance(2)
    assert here.work() == [FINE_TUNE], "nobody began what had become due meanwhile"
    assert here.run(3).state == api.Run.STATE_SUCCEEDED


def test_a_drop_is_from_the_score_on_the_same_split(here: World) -> None:
    based(here, gate={"max_drop": 0.0})
    here.label(LEARNED)
    here.label(range(100, 102), TEST)
    before = trained(here)
    assert before.promoted
    here.label(range(310, 340), VALIDATION)
    event = trained(here)
    assert event.score < before.score, "the test shows nothing"
    assert event.metrics["validation/map_macro"] == event.score
    assert event.promoted, f"scores of two splits were compared: {event.gate_failure}"


def test_a_run_that_makes_no_sense_is_refused_with_its_fields(here: World) -> None:
    based(here)
    asked = labels.Pretraining(steps=-5, batch_images=1, learning_rate=2.0, method="moco")
    with pytest.raises(InvalidArgument) as caught:
        here.create_base(api.BaseRun(pretraining=asked))
    assert {each.field for each in caught.value.violations} == {
        f"run.base.pretraining.{name}" for name in ("steps", "batch_images", "learning_rate", "method")
    }


def test_an_architecture_that_takes_no_images_of_the_campaign_fails_at_once(here: World) -> None:
    here.campaign(1, architecture="vit_tiny_patch16_224")
    here.work()
    assert here.run(1).state == api.Run.STATE_FAILED
    assert "IMAGES_DO_NOT_FIT: base_model.architecture: vit_tiny_patch16_224 takes no" in here.run(1).error


def test_an_operator_is_told_why_a_fine_tuning_run_cannot_begin(here: World) -> None:
    ask = api.Run(fine_tune=api.FineTuneRun())
    here.campaign(1, architecture="nonsense")
    here.work()
    with pytest.raises(FailedPrecondition, match="no base version"):
        here.create(ask)
    here.create_base(api.BaseRun(architecture="tiny", seed=1))
    here.work()
    with pytest.raises(FailedPrecondition, match="nothing is labelled"):
        here.create(ask)


def test_a_version_that_fails_its_gate_is_published_and_not_promoted(world: World) -> None:
    based(world, gate={"minimum": 1.01})
    world.label(JUDGED, VALIDATION)
    world.label(LEARNED)
    event = trained(world)
    assert not event.promoted
    assert "below the minimum of 1.0100" in event.gate_failure
    assert (world.model(2).desired, world.model(1).desired) == (False, True)
    assert world.card(event)["gate_failure"] == event.gate_failure
    assert "version 2 was not promoted" in world.causes()["GATE_FAILED"].waits_for
    assert world.training().promoted_version == 1
    world.campaign(2, gate={"minimum": 1.01}, state=STOPPED)
    left = world.causes()["GATE_FAILED"]
    assert left.kind is Kind.STUCK, "all labels are spent, and nothing that learned from them may be used"
    assert "aloft campaign update" in left.remedy


def test_a_base_version_that_was_asked_for_and_failed_is_told_beside_one_that_is_there(world: World) -> None:
    based(world)
    world.create_base(api.BaseRun(architecture="nonsense"))
    world.work()
    assert "run 2 failed" in world.causes()["RUN_FAILED"].waits_for


def test_without_held_out_labels_a_version_passes_no_gate(here: World) -> None:
    based(here, gate={"minimum": 0.9})
    here.label(LEARNED)
    event = trained(here)
    assert not event.promoted
    assert "no score to compare" in event.gate_failure


def test_without_held_out_labels_a_version_is_promoted_unjudged_and_its_card_says_so(here: World) -> None:
    based(here)
    here.label(LEARNED)
    event = trained(here)
    assert event.promoted
    assert not event.HasField("score")
    assert dict(event.metrics) == {}
    card = here.card(event)
    assert (card["judged_on"], card["score"], card["temperature"]) == (None, None, 1.0)
    assert card["thresholds"] == [0.5] * len(LABELS)


def test_a_version_is_judged_on_test_images_where_no_validation_image_is_labelled(here: World) -> None:
    based(here)
    here.label(TESTED, TEST)
    here.label(LEARNED)
    event = trained(here)
    assert here.card(event)["judged_on"] == "test"
    assert event.score == event.metrics["test/map_macro"]
    assert all(name.startswith("test/") for name in event.metrics)


def test_a_label_without_a_positive_stops_nothing_and_is_named(here: World) -> None:
    based(here)
    none_striped = [number for number in range(40) if number % 3]
    here.label([number + 99 for number in none_striped[:10]], VALIDATION)
    here.register(none_striped)
    said = {number: ["bright" if number % 2 == 0 else "dark"] for number in none_striped}
    here.revision += 1
    here.hear(committed(here.revision, said))
    event = trained(here)
    card = here.card(event)
    assert card["labels_without_positive"] == ["striped"]
    assert card["labels_not_judged"] == {"validation": ["striped"]}
    assert event.HasField("score")
    assert "validation/ap/striped" not in event.metrics


def test_images_that_cannot_be_used_are_left_out_and_counted(here: World) -> None:
    based(here)
    here.label(JUDGED, VALIDATION)
    here.label(LEARNED)
    (here.bucket / "0.png").unlink()
    (here.bucket / "1.png").write_bytes(b"another image")
    (here.bucket / "21.png").write_bytes(b"no image at all")
    broken = events.RegisteredImage(
        image=image_id("21.png"), key="21.png", object_etag=here.pool.stat("21.png").etag, version=1
    )
    here.hear(events.ImageRegistered(campaign=CAMPAIGN, images=[broken]))
    here.revision += 1
    here.hear(committed(here.revision, {21: ["bright"]}))
    gone = events.ImageQuarantined(
        campaign=CAMPAIGN, image=image_id("2.png"), image_version=1, reason="UNREADABLE"
    )
    here.hear(gone)
    (here.bucket / "100.png").unlink()
    data = here.card(trained(here))["data"]
    assert data["pool"] == {"images": 9, "left_out": {"CHANGED": 1, "MISSING": 1, "UNREADABLE": 1}}
    assert data["validation"] == {"images": 11, "left_out": {"MISSING": 1}}
    assert data["quarantined"] == 1


def test_an_image_that_was_registered_anew_is_learned_from_again(world: World) -> None:
    based(world)
    world.label(LEARNED)
    (image,) = world.register([0], version=2)
    late = events.ImageQuarantined(campaign=CAMPAIGN, image=image, image_version=1, reason="CHANGED")
    world.hear(late)
    card = world.card(trained(world))
    assert card["data"]["quarantined"] == 0
    assert card["data"]["pool"]["images"] == len(LEARNED)


def test_a_pool_that_is_away_fails_no_run(here: World) -> None:
    class Away:
        def stream(self, *_: Any) -> None:
            raise StoreUnavailable("the store does not answer")

    based(here)
    here.label(LEARNED)
    here.close()
    for _ in range(7):
        here.work(pool=Away())
        here.database.advance(400)
        assert [path for path in here.cache.rglob("*") if path.is_file()] == [], "a half-read file is left"
    assert "the store does not answer" in here.training().waiting_for
    assert here.work() == [FINE_TUNE]
    assert here.published()[-1].version == 2


def test_what_is_said_of_something_unknown_waits(world: World) -> None:
    early: list[tuple[str, Callable[[], None]]] = [
        ("campaigns/c", lambda: world.hear(committed(1, {1: ["dark"]}))),
        ("campaigns/c", lambda: world.close(revision=1)),
        ("campaigns/c", lambda: world.hear(events.ImageRegistered(campaign=CAMPAIGN))),
    ]
    for about, act in early:
        with pytest.raises(NotYet, match=about):
            act()
    world.campaign(1)
    with pytest.raises(NotYet, match="1 labelled images"):
        world.hear(committed(1, {1: ["dark"]}))
    bad = events.ImageQuarantined(campaign=CAMPAIGN, image=image_id("1.png"), image_version=1)
    with pytest.raises(NotYet, match="version 1 of image"):
        world.hear(bad)


def test_images_come_in_manifests_too(here: World) -> None:
    based(here)
    images = [
        events.RegisteredImage(image=image, key=key, object_etag=here.pool.stat(key).etag, version=1)
        for image in here.register([1])
        for key in [here.registered[image]]
    ]
    data = events.ImageRegistered(campaign=CAMPAIGN, images=images).SerializeToString()
    here.objects.put("manifest", data)
    digest = sha256_hex(data)
    here.hear(events.ImageRegistered(campaign=CAMPAIGN, manifest_key="manifest", manifest_digest=digest))
    here.hear(committed(1, {1: ["dark"]}))
