"""When the next batch is due, and what acquisition says that it waits for meanwhile."""

import pytest

from aloft.kit.errors import NotFound
from aloft.kit.explaining import Kind
from tests.integration.acquisition.world import World, image

LABELS = ("water", "road")


@pytest.fixture
def world(sqlite: World) -> World:
    """One campaign whose first batch is out, selected by coverage under a base version."""
    sqlite.campaign(strategy="mge+kmeans")
    sqlite.publish(1, base=True)
    sqlite.embed(range(12))
    sqlite.work()
    return sqlite


def train(world: World, version: int, revision: int, **more: bool | str) -> None:
    """Publish what the trainer makes of a closed batch."""
    world.publish(version, revision=revision, **more)  # type: ignore[arg-type]


def numbers(world: World) -> list[int]:
    return [batch.batch for batch in world.selected()]


def test_after_a_batch_to_learn_from_the_next_comes_from_the_version_that_learned_from_it(
    world: World,
) -> None:
    revision = world.label_and_close(1, train=True)
    assert world.work() == 0, "a batch was selected before the version was trained"
    assert world.waiting_for() == "the version that is trained on batch 1, label revision 1"
    train(world, 2, revision)
    assert world.work() == 0, "a batch was selected before the version was ranked"
    assert world.waiting_for() == "the pool to be embedded under version 2"
    world.embed(range(12), 2, labels=LABELS)
    world.work()
    second = world.selected()[1]
    assert (second.batch, second.version, second.strategy) == (2, 2, "mge+kmeans")
    assert not set(world.batch(1)) & set(world.batch(2))


def test_the_closing_may_come_last_of_all(world: World) -> None:
    names = world.batch(1)
    revision = world.label(names)
    train(world, 2, revision)
    world.embed(range(12), 2, labels=LABELS)
    world.work()
    world.close(1, accepted=names, labelled=names, train=True)
    world.work()
    assert [(batch.batch, batch.version) for batch in world.selected()] == [(1, 1), (2, 2)]


def test_after_a_batch_that_teaches_nothing_the_next_comes_at_once(world: World) -> None:
    world.close(1, "CLOSE_AFTER", accepted=world.batch(1))
    world.work()
    assert [(batch.batch, batch.version) for batch in world.selected()] == [(1, 1), (2, 1)]


def test_a_version_that_failed_its_gate_gives_a_batch_from_the_last_promoted_ranking(world: World) -> None:
    revision = world.label_and_close(1, train=True)
    train(world, 2, revision, promoted=False, gate="macro mAP 0.41 is below the 0.45 of version 1")
    world.work()
    second = world.selected()[1]
    assert (second.version, second.strategy) == (1, "centroids")
    assert not set(world.batch(1)) & set(world.batch(2)), "what is labelled was sent out again"
    failed = world.why()["GATE_FAILED"]
    assert "version 2 did not: macro mAP 0.41 is below the 0.45 of version 1" in failed.waits_for
    assert "under version 1" in failed.waits_for


def test_a_version_that_learned_from_less_than_the_closed_batch_is_not_the_one(world: World) -> None:
    world.label([image(30)])
    revision = world.label_and_close(1, train=True)
    train(world, 2, revision - 1)
    world.embed(range(12), 2, labels=LABELS)
    world.work()
    assert numbers(world) == [1]
    assert "trained on batch 1" in world.waiting_for()


def test_a_version_that_is_ranked_before_its_labels_are_applied_waits_for_them(world: World) -> None:
    names = world.batch(1)
    world.close(1, revision=1, accepted=names, labelled=names, train=True)
    train(world, 2, 1)
    world.embed(range(12), 2, labels=LABELS)
    world.work()
    assert world.why()["LABEL_REVISIONS_MISSING"].waits_for == "label revision 1; 0 is applied"
    world.label(names)
    world.work()
    assert numbers(world) == [1, 2]


def test_new_images_while_a_version_is_trained_are_ranked_and_nothing_more(world: World) -> None:
    world.label_and_close(1, train=True)
    world.embed(range(20))
    world.work()
    assert world.rankings()[0].images == 20 - 2
    assert numbers(world) == [1]


def test_a_newer_version_while_a_batch_is_open_replaces_it_once(world: World) -> None:
    train(world, 2, 0)
    world.embed(range(12), 2, labels=LABELS)
    world.work()
    world.embed(range(14), 2, labels=LABELS)
    world.work()
    assert numbers(world) == [1, 2], "new images alone replaced an open batch"


def test_the_evaluation_batch_has_its_labels_applied_first_and_is_otherwise_none_of_ours(
    world: World,
) -> None:
    world.close(1, "CLOSE_AFTER", accepted=world.batch(1))
    world.close(0, revision=1, accepted=[image(7)], labelled=[image(7)])
    world.work()
    assert world.waiting_for() == "label revision 1; 0 is applied"
    world.label([image(7)])
    world.work()
    assert numbers(world) == [1, 2]
    assert world.selection().selected_batches == 2
    assert image(7) not in world.batch(2)


def test_the_evaluation_batch_may_close_before_any_other_is_out(sqlite: World) -> None:
    sqlite.campaign()
    sqlite.close(0, "COMPLETE", accepted=[image(1)], labelled=[image(1)], revision=0)
    sqlite.publish()
    sqlite.embed(range(6))
    sqlite.work()
    assert numbers(sqlite) == [1]


def test_a_paused_campaign_selects_once_it_runs_again(world: World) -> None:
    revision = world.label_and_close(1, train=True)
    world.campaign("PAUSED", strategy="mge+kmeans", state_reason="BY_OPERATOR")
    train(world, 2, revision)
    world.embed(range(12), 2, labels=LABELS)
    world.work()
    assert numbers(world) == [1]
    assert world.why()["CAMPAIGN_PAUSED"].remedy == "`aloft campaign resume c`"
    world.campaign(strategy="mge+kmeans")
    world.work()
    assert numbers(world) == [1, 2]


def test_why_names_each_cause_since_when_it_holds(world: World) -> None:
    def cause(code: str) -> tuple[Kind, int]:
        found = world.why()[code]
        assert found.since_us is not None, f"{code} does not say since when"
        return found.kind, found.since_us

    begun = cause("BATCH_OUT")[1]
    assert "batch 1 to be labelled: 2 images" in world.why()["BATCH_OUT"].waits_for
    world.database.advance(60)
    revision = world.label_and_close(1, train=True)
    closed = cause("TRAINING")
    assert closed[0] is Kind.WAITING
    assert closed[1] >= begun + 60_000_000
    world.database.advance(60)
    train(world, 2, revision)
    assert cause("POOL_NOT_EMBEDDED")[1] >= closed[1] + 60_000_000
    world.embed(range(12), 2, labels=LABELS)
    assert set(world.why()) == {"RANKING", "JOB_QUEUED"}
    world.campaign("STOPPED", strategy="mge+kmeans", state_reason="TARGET")
    world.work()
    assert cause("CAMPAIGN_STOPPED")[0] is Kind.IDLE


def test_why_says_that_the_pool_is_exhausted_and_what_to_do(world: World) -> None:
    world.campaign(size=12, strategy="mge+kmeans")
    for batch in (1, 2):
        world.label_and_close(batch)
        world.work()
    exhausted = world.why()["POOL_EXHAUSTED"]
    assert exhausted.kind is Kind.STUCK
    assert exhausted.remedy == "`aloft images import c`, or `aloft campaign stop c`"


def test_why_says_that_a_batch_is_smaller_than_asked_for(world: World) -> None:
    world.label_and_close(1)
    world.campaign(size=20, strategy="mge+kmeans")
    world.work()
    assert "(10 of 20 images: the pool has no more" in world.why()["BATCH_OUT"].waits_for


def test_why_of_a_campaign_without_a_version_and_of_one_that_is_unknown(sqlite: World) -> None:
    with pytest.raises(NotFound, match="campaigns/c does not exist"):
        sqlite.why()
    sqlite.campaign()
    assert sqlite.why()["NO_VERSION"].waits_for == "a first promoted version of the model"
