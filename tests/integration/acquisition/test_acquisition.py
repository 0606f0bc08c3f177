"""Acquisition with a test in the place of the other services, on SQLite and on a real PostgreSQL."""

import random
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from google.protobuf.message import Message
from prometheus_client import REGISTRY

from aloft.acquisition import app
from aloft.acquisition.store.tables import METADATA
from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus.context import NotYet, Poison
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.topics import every_name
from aloft.kit.database import Database, migrate
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.service import Ports
from tests.integration.acquisition.world import CAMPAIGN, World, begin, image, opened


def test_the_migration_makes_the_tables_that_the_code_declares(world: World) -> None:
    with world.database.transaction() as tx:
        context = MigrationContext.configure(
            tx.connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name in METADATA.tables},
        )
        assert compare_metadata(context, METADATA) == []


def test_the_first_ranking_sends_out_the_first_batch_and_says_why_each_image(world: World) -> None:
    begin(world)
    (batch,) = world.selected()
    (ranking,) = world.rankings()
    assert (batch.batch, batch.version, batch.strategy, len(batch.images)) == (1, 1, "centroids", 2)
    assert batch.ranking == ranking.name
    assert batch.seed > 0
    assert all("centre of cluster" in each.why for each in batch.images)
    said = world.picks(1)
    assert (said.strategy, said.model_version) == ("centroids", 1)
    assert [(each.image, each.score, each.cluster, each.why) for each in said.selected_images] == [
        (each.image, each.score, each.cluster, each.why) for each in batch.images
    ]
    assert (ranking.images, ranking.model_version, ranking.generation) == (8, 1, 1)
    assert world.selection().open_batch == f"campaigns/{CAMPAIGN}/batches/1"
    assert world.waiting_for() == ""


def test_the_pool_is_labelled_batch_by_batch_until_it_is_exhausted_and_no_image_comes_twice(
    world: World,
) -> None:
    begin(world, images=7)
    for number in (1, 2, 3, 4):
        world.label_and_close(number)
        world.work()
    chosen = [name for batch in world.selected() for name in world.batch(batch.batch)]
    assert sorted(chosen) == sorted(image(number) for number in range(7))
    assert "exhausted" in world.waiting_for()
    assert world.work() == 0, "an exhausted pool keeps the worker busy"


@pytest.mark.parametrize("strategy", ["auto", "kcenter", "margin+kcenter", "mge+kmeans", "badge"])
def test_a_pool_of_any_strategy_ends_exhausted(sqlite: World, strategy: str) -> None:
    sqlite.campaign(strategy=strategy)
    sqlite.publish()
    sqlite.embed(range(3), labels=("water", "road"))
    sqlite.work()
    for number in (1, 2):
        sqlite.label_and_close(number)
        sqlite.work()
    assert [len(batch.images) for batch in sqlite.selected()] == [2, 1]
    assert "exhausted" in sqlite.waiting_for()


def test_the_expected_balance_is_that_of_the_newest_batch_alone(sqlite: World) -> None:
    def shown() -> set[str]:
        of = {"campaign": CAMPAIGN}
        name = "aloft_acquisition_expected_positives"
        labels = ("water", "road", "tree")
        return {each for each in labels if REGISTRY.get_sample_value(name, of | {"label": each}) is not None}

    sqlite.campaign(strategy="random")
    sqlite.publish()
    sqlite.embed(range(8), labels=("water", "road"))
    sqlite.work()
    assert shown() == {"water", "road"}
    sqlite.publish(2, revision=sqlite.label_and_close(1))
    sqlite.embed(range(8), 2, labels=("water", "tree"))
    sqlite.work()
    assert shown() == {"water", "tree"}, "what a label of an older batch was expected to bring is still shown"
    sqlite.publish(3, revision=sqlite.label_and_close(2), base=True)
    sqlite.embed(range(8), 3)
    sqlite.work()
    assert shown() == set(), "a version without a head says nothing of labels"


def test_events_in_any_order_end_in_the_same_batch(sqlite: World) -> None:
    orders = ["campaign pool model", "campaign model pool"]
    for number, order in enumerate(orders):
        for what in order.split():
            match what:
                case "campaign":
                    sqlite.campaign()
                case "model":
                    sqlite.publish(number + 1)
                case _:
                    sqlite.embed(range(8), number + 1)
        sqlite.work()
    first, second = sqlite.selected()
    assert first.version == 1
    assert second.version == 2, "the newer version did not replace what nobody had touched"


@pytest.mark.parametrize("event", [events.ModelPublished, events.PoolEmbedded, events.BatchClosed])
def test_an_event_of_an_unknown_campaign_is_parked(sqlite: World, event: type[Message]) -> None:
    with pytest.raises(NotYet, match="not known here yet"):
        sqlite.say(event(campaign="nobody"))


def test_a_campaign_that_makes_no_sense_is_poison(sqlite: World) -> None:
    with pytest.raises(Poison, match="batches of 0"):
        sqlite.campaign(size=0)
    with pytest.raises(Poison, match="give a name like"):
        sqlite.say(events.CampaignChanged())


def test_each_event_handled_twice_changes_nothing(sqlite: World) -> None:
    begin(sqlite)
    names = sqlite.batch(1)
    sqlite.say(sqlite.labels(1, names))
    sqlite.say(sqlite.labels(1, names))
    for _ in range(2):
        sqlite.close(1, revision=1, accepted=names, labelled=names)
        sqlite.publish()
    sqlite.work()
    assert [batch.batch for batch in sqlite.selected()] == [1, 2]
    sqlite.close(1, revision=1, accepted=names, labelled=names)
    sqlite.work()
    assert [batch.batch for batch in sqlite.selected()] == [1, 2]


def test_the_next_batch_waits_for_every_label_revision_that_the_closed_one_names(world: World) -> None:
    begin(world)
    one, two = world.batch(1)
    world.close(1, revision=2, accepted=[one, two], labelled=[one, two])
    world.work()
    assert world.waiting_for() == "label revision 2; 0 is applied"
    world.say(world.labels(2, [two]))
    world.work()
    assert world.waiting_for() == "label revision 2; 0 is applied", (
        "a revision was applied before the one before it"
    )
    world.say(world.labels(1, [one]))
    world.work()
    assert world.selection().applied_label_revision == 2
    assert not {one, two} & set(world.batch(2))


def test_what_nobody_labelled_is_free_when_its_batch_closes_and_what_is_skipped_never_is(
    world: World,
) -> None:
    begin(world, images=8, size=4)
    labelled, skipped, outstanding, left = world.batch(1)
    world.label([labelled])
    world.close(
        1,
        "CLOSE_AFTER",
        accepted=[labelled, skipped, outstanding, left],
        labelled=[labelled],
        skipped=[skipped],
        outstanding=[outstanding],
    )
    assert world.taken() == {labelled, skipped, outstanding}
    world.work()
    assert not {labelled, skipped, outstanding} & set(world.batch(2))
    world.release(1, [outstanding])
    assert outstanding not in world.taken()


def test_a_release_frees_only_what_is_out_with_that_batch(world: World) -> None:
    begin(world, images=4)
    world.label_and_close(1)
    world.work()
    second = world.batch(2)
    world.release(1, second)
    assert set(second) <= world.taken(), "a release of batch 1 took images from batch 2"


def test_a_release_that_overtakes_the_closing_of_its_batch_holds(world: World) -> None:
    begin(world)
    one, two = world.batch(1)
    world.release(1, [two])
    world.label([one])
    world.close(1, "CLOSE_FRACTION", accepted=[one, two], labelled=[one], outstanding=[two])
    assert world.taken() == {one}


def test_a_paused_campaign_ranks_and_selects_when_it_runs(world: World) -> None:
    begin(world, state="PAUSED")
    assert len(world.rankings()) == 1
    assert not world.selected()
    world.campaign()
    world.work()
    assert len(world.selected()) == 1


def test_batches_of_which_nothing_is_accepted_do_not_chase_one_another(world: World) -> None:
    begin(world)
    first = world.batch(1)
    world.release(1, first, "NOT_ACCEPTED")
    world.close(1, "EMPTY")
    assert world.work() == 0, "the same batch is selected for ever"
    assert "nothing of batch 1 was accepted" in world.waiting_for()
    world.quarantine(first[0])
    world.work()
    assert first[0] not in world.batch(2)


def test_what_changed_while_an_empty_batch_was_out_is_not_forgotten(world: World) -> None:
    begin(world)
    first = world.batch(1)
    world.quarantine(image(next(n for n in range(8) if image(n) not in first)))
    world.close(1, "EMPTY")
    world.work()
    assert len(world.selected()) == 2


def test_a_larger_budget_is_a_reason_to_try_again(sqlite: World) -> None:
    begin(sqlite)
    sqlite.close(1, "EMPTY")
    sqlite.campaign()
    assert sqlite.work() == 0
    sqlite.campaign(budget={"images": 100})
    sqlite.work()
    assert len(sqlite.selected()) == 2


def test_the_same_seed_and_images_give_the_same_batches_however_the_shards_are_cut(tmp_path: Path) -> None:
    said = []
    for name, rows in (("one", 3), ("other", 5)):
        (tmp_path / name).mkdir()
        with opened(tmp_path / name) as world:
            world.campaign()
            world.publish()
            numbers = random.Random(name).sample(range(20), 20)
            world.say(world.embedded(numbers, rows=rows))
            world.work()
            world.label_and_close(1)
            world.work()
            said.append([(batch.seed, list(batch.images)) for batch in world.selected()])
    assert said[0] == said[1]


def test_the_wired_service_takes_events_from_the_bus_and_gives_its_batch(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/acquisition.db", schema=app.NAME)
    migrate(database, "aloft.acquisition")
    bus = EmbeddedBus(tmp_path / "bus.db")
    bus.create_topics(every_name())
    objects = DirectoryObjects(tmp_path / "objects")
    service = app.build(app.Settings(), Ports(database, bus, objects, objects, "w"))
    names = [background.step.name for background in service.backgrounds]
    for background in service.backgrounds:
        background.step.step()
    assert [servicer.full_name.rsplit(".", 1)[-1] for servicer in service.servicers] == [
        "AcquisitionService",
        "Operations",
        "ExplanationService",
    ]
    assert any("jobs" in name for name in names), names
    for background in service.backgrounds:
        if background.close:
            background.close()
    bus.close()
    database.close()
