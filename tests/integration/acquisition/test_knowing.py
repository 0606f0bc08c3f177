"""What a strategy is told beside the scores: labels so far, what is covered, what an earlier version said."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from aloft import strategies
from aloft.acquisition.domain.due import Rank
from aloft.acquisition.embedded_pool import EmbeddedPool
from aloft.acquisition.plan import plan, to_rank
from aloft.acquisition.store import labels
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.explaining import Kind
from aloft.shards import read_manifest
from aloft.strategies.strategy import Needs, Ranked, Strategy
from tests.integration.acquisition.world import CAMPAIGN, World, image

LABELS = ("water", "road", "tree")
ALL = Needs(features=True, logits=True, candidates=True, covered=True, earlier=True)


@pytest.fixture
def world(world: World) -> World:
    world.campaign(strategy="random")
    return world


def said(
    revision: int, sets: Mapping[int, Sequence[str]], version: int = 1, split: str = "POOL"
) -> events.LabelsCommitted:
    """Make the event of a label revision: the positives of each image."""
    return events.LabelsCommitted(
        campaign=CAMPAIGN,
        label_revision=revision,
        label_sets=[
            events.CommittedLabelSet(
                image=image(number),
                version=version,
                split=pb.Split.Value(f"SPLIT_{split}"),
                verdicts=[
                    *(pb.LabelVerdict(label=label, verdict=pb.VERDICT_POSITIVE) for label in positives),
                    pb.LabelVerdict(label="doubt", verdict=pb.VERDICT_UNSURE),
                ],
            )
            for number, positives in sets.items()
        ],
    )


def pool(world: World, version: int = 1) -> EmbeddedPool:
    """Open the pool of a version as a ranking would."""
    with world.database.read() as tx:
        sources = to_rank(tx, CAMPAIGN, version)
    manifest = read_manifest(world.objects, *sources.manifest)
    return EmbeddedPool(world.objects, manifest, ALL, sources, lambda done, total: None)


def test_the_positives_of_the_newest_label_sets_are_counted_whatever_order_they_come_in(
    world: World,
) -> None:
    world.publish()
    world.embed(range(8), labels=LABELS)
    world.say(said(3, {0: ["road"]}, version=2))
    world.say(said(1, {0: ["water"], 1: ["water", "tree", "fog"]}))
    world.say(said(1, {0: ["water"], 1: ["water", "tree", "fog"]}))
    world.say(said(2, {2: ["tree"]}))
    known = pool(world).known
    assert known.labels == LABELS
    assert known.positives == (1, 1, 2), "water of image 1, road of image 0, tree of images 1 and 2"
    assert known.labelled == 3


def test_what_is_held_out_is_neither_counted_nor_covered(world: World) -> None:
    world.publish()
    world.embed(range(8), labels=LABELS)
    world.say(said(1, {0: ["water"], 1: ["water"]}))
    world.say(said(2, {1: ["water"]}, version=2, split="VALIDATION"))
    opened = pool(world)
    assert (opened.known.positives, opened.known.labelled) == ((1, 0, 0), 1)
    assert opened.covered().tolist() == [[0, 0]]


def test_a_version_learned_from_the_images_that_were_labelled_up_to_its_revision(world: World) -> None:
    world.say(said(2, {0: ["road"], 5: []}, version=2))
    world.say(said(1, {0: ["water"], 1: []}))
    with world.database.read() as tx:
        learned = [labels.labelled(tx, CAMPAIGN, revision) for revision in range(4)]
    assert learned == [0, 2, 3, 3], "an image counts from the revision on that labelled it first"


def test_the_strategy_in_force_is_told_how_many_images_its_version_learned_from(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[strategies.Standing] = []

    def remember(expression: str, standing: strategies.Standing) -> str:
        told.append(standing)
        return expression

    monkeypatch.setattr(strategies, "in_force", remember)
    world.campaign(strategy="random", size=3)
    world.say(said(1, {0: [], 1: []}))
    world.say(said(2, {2: []}))
    world.publish(1, revision=1)
    world.embed(range(8), labels=LABELS)
    assert told[-1] == strategies.Standing(base=False, learned=2, batch_size=3, images=8)


def test_what_is_labelled_or_in_flight_is_covered_in_order_of_id(world: World) -> None:
    world.publish()
    world.embed(range(8), labels=LABELS, values={3: (np.nan, 0.0)})
    world.work()
    out = [number for number in range(8) if image(number) in world.batch(1)]
    free = [number for number in range(8) if number not in out]
    world.say(said(1, {free[0]: [], 3: [], 99: []}))
    expected = sorted({free[0], 3, *out}, key=image)
    rows = [[number % 7, number * 0.5] for number in expected if number != 3]
    assert pool(world).covered().tolist() == rows, "missing and unusable ones are passed over"
    world.release(1, [image(out[0])], reason="SKIPPED")
    rows = [[number % 7, number * 0.5] for number in expected if number not in (3, out[0])]
    assert pool(world).covered().tolist() == rows, "what nobody could label covers nothing"


def test_an_earlier_version_is_the_last_promoted_one_with_a_head_and_its_newest_pool(world: World) -> None:
    world.publish(1, base=True)
    world.embed(range(4), 1)
    assert pool(world, 1).earlier() is None
    world.publish(2)
    world.embed(range(4), 2, labels=("water",))
    assert pool(world, 2).earlier() is None, "a base version says nothing of labels"
    world.publish(3, promoted=False)
    world.embed(range(6), 2, labels=("water", "road"))
    world.publish(4)
    world.embed(range(8), 4, labels=LABELS)
    earlier = pool(world, 4).earlier()
    assert earlier is not None
    assert earlier.labels == ("water", "road")
    for _ in range(2):
        blocks = list(earlier.blocks())
        assert sum(map(len, blocks)) == 6
        assert {len(block.logits[0]) for block in blocks if block.logits is not None} == {2}


def test_features_and_logits_lie_row_for_row_in_the_blocks_of_a_strategy_that_needs_both(
    world: World,
) -> None:
    world.publish()
    world.embed(range(8), labels=LABELS)
    world.say(said(1, {2: []}))
    seen = {}
    for block in pool(world).blocks():
        assert block.features is not None
        assert block.logits is not None
        for row, name in enumerate(block.images):
            seen[name.ljust(16, b"\0").hex()] = (block.features[row, 1], block.logits[row, 0])
    assert seen == {image(n): (n * 0.5, -1.0 - n) for n in range(8) if n != 2}


def _never(*_: object) -> Ranked:
    raise AssertionError("a strategy was run on a pool that lacks what it needs")


def test_a_strategy_that_lacks_a_column_says_so_and_goes_on_once_it_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    needy = Strategy("random", Needs(logits=True, columns=("bald",)), _never, _never)  # type: ignore[arg-type]
    whole = strategies.load("random")
    monkeypatch.setattr(strategies, "load", lambda expression: needy)
    world.publish()
    world.embed(range(8), labels=LABELS)
    assert world.work() == 1, "it was tried more than once on one pool"
    cause = world.why()["STRATEGY_NEEDS_MORE"]
    assert cause.kind is Kind.STUCK
    assert "the column bald beside the logits of version 1" in cause.waits_for
    assert "bald" in world.waiting_for()
    assert not world.rankings()
    monkeypatch.setattr(strategies, "load", lambda expression: whole)
    world.embed(range(8), labels=LABELS)
    world.work()
    assert len(world.selected()) == 1
    assert "STRATEGY_NEEDS_MORE" not in world.why()


def test_a_column_beside_the_logits_is_what_its_strategy_scores_by(world: World) -> None:
    world.campaign(strategy="bald", size=2)
    world.publish()
    world.embed([4, 9, 1, 7, 3, 8, 2], labels=LABELS, columns=("bald", "mll"))
    world.quarantine(image(8))
    world.work()
    assert [(each.image, each.score) for each in world.selected()[0].images] == [
        (image(9), 9.0),
        (image(7), 7.0),
    ]


def test_a_strategy_whose_package_is_not_installed_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.campaign(strategy="somebody.elses")
    world.publish()
    world.embed(range(8), labels=LABELS)
    world.work()
    assert "somebody.elses" in world.why()["STRATEGY_NEEDS_MORE"].waits_for


def test_what_a_version_learned_from_is_applied_before_its_pool_is_ranked(world: World) -> None:
    world.publish(1, revision=2)
    world.embed(range(8), labels=LABELS)
    world.say(said(2, {0: []}))
    assert world.work() == 0
    assert world.waiting_for() == "label revision 2; 0 is applied"
    world.say(said(1, {1: []}))
    with world.database.read() as tx:
        assert isinstance(plan(tx, CAMPAIGN).step, Rank)
    world.work()
    assert world.rankings()[0].label_revision == 2
