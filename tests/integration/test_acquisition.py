"""Acquisition with a test in the place of the other services, on SQLite and on a real PostgreSQL."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from google.protobuf.message import Message

from aloft.acquisition import app, ranking_file
from aloft.acquisition.store.tables import METADATA, images
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus.context import NotYet, Poison
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.topics import every_name
from aloft.kit.database import Database, migrate
from aloft.kit.errors import InvalidArgument, NotFound
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.rpc.call import Call
from aloft.kit.service import Ports
from aloft.strategies.pool import hexadecimal
from tests.contract.databases import ADAPTERS, place
from tests.integration.acquisition_world import CAMPAIGN, OPERATOR, World, image


@pytest.fixture(params=ADAPTERS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    on_postgres = request.param == "postgresql"
    admin_url = request.getfixturevalue("postgres_database") if on_postgres else None
    with place(request.param, tmp_path, admin_url) as made:
        database = made.open()
        migrate(database, "aloft.acquisition")
        yield World(database, tmp_path / "objects")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[World]:
    with place("sqlite", tmp_path, None) as made:
        database = made.open()
        migrate(database, "aloft.acquisition")
        yield World(database, tmp_path / "objects")


def begin(world: World, images: int = 8, **campaign: int | str) -> None:
    """Say all that the first batch takes."""
    world.campaign(**campaign)  # type: ignore[arg-type]
    world.publish()
    world.embed(range(images))
    world.work()


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


def test_a_quarantined_image_is_neither_ranked_nor_selected(world: World) -> None:
    world.campaign(size=8)
    world.publish()
    world.quarantine(image(3))
    world.embed(range(8))
    world.work()
    assert world.rankings()[0].images == 7
    assert image(3) not in world.batch(1)


def test_an_image_that_was_replaced_after_its_quarantine_is_selected_like_any_other(world: World) -> None:
    world.campaign(size=8)
    world.publish()
    world.quarantine(image(3))
    world.quarantine(image(4), version=2)
    world.register(image(3), version=2)
    world.register(image(4), version=2)
    world.embed(range(8))
    world.work()
    assert image(3) in world.batch(1)
    assert image(4) not in world.batch(1), "the version that was quarantined was sent out"


def test_what_is_said_of_an_older_version_of_an_image_changes_nothing(world: World) -> None:
    world.campaign()
    world.register(image(3), version=3)
    world.quarantine(image(3), version=2)
    world.register(image(3), version=2, split="TEST")
    assert image(3) not in world.taken()
    world.quarantine(image(3), version=3)
    world.register(image(3), version=3)
    assert image(3) in world.taken()


def test_an_image_that_leaves_the_pool_for_another_split_is_no_longer_selected(world: World) -> None:
    world.campaign(size=8)
    world.publish()
    world.embed(range(8))
    world.register(image(5), version=2, split="VALIDATION")
    world.work()
    assert image(5) not in world.batch(1)


def test_registrations_that_lie_in_an_object_are_read_there(sqlite: World) -> None:
    sqlite.campaign()
    body = events.ImageRegistered(images=[sqlite.registered(image(5), 2, "TEST")]).SerializeToString()
    sqlite.objects.put("registrations", body)
    said = events.ImageRegistered(campaign=CAMPAIGN, manifest_key="registrations")
    with pytest.raises(Poison, match="the event says"):
        sqlite.say(said)
    said.manifest_digest = sha256_hex(body)
    sqlite.say(said)
    assert sqlite.taken() == {image(5)}


def test_an_image_that_is_new_needs_no_row(sqlite: World) -> None:
    sqlite.campaign()
    sqlite.register(image(1))
    sqlite.register(image(2), split="TEST")
    with sqlite.database.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(images)).scalar_one() == 0


def test_a_replaced_image_ends_the_exhaustion(sqlite: World) -> None:
    sqlite.campaign(size=1)
    sqlite.publish()
    sqlite.embed(range(2))
    sqlite.work()
    (sent,) = sqlite.batch(1)
    (other,) = {image(0), image(1)} - {sent}
    sqlite.quarantine(other)
    sqlite.label_and_close(1)
    sqlite.work()
    assert "exhausted" in sqlite.waiting_for()
    sqlite.register(other, version=2)
    sqlite.work()
    assert sqlite.batch(2) == [other]


def test_new_images_are_ranked_and_leave_the_open_batch_alone(world: World) -> None:
    begin(world)
    world.embed(range(12))
    world.work()
    newest = world.rankings()[0]
    assert (newest.images, newest.generation) == (12, 2)
    assert len(world.selected()) == 1
    world.label_and_close(1)
    world.work()
    assert world.selected()[1].ranking == newest.name


def test_a_newer_version_that_is_not_promoted_changes_nothing(world: World) -> None:
    begin(world)
    world.publish(2, promoted=False)
    world.embed(range(8), version=2)
    assert world.work() == 0
    assert len(world.selected()) == 1


def test_a_newer_promoted_version_selects_anew_while_a_batch_is_open(world: World) -> None:
    begin(world, images=12)
    untouched = world.batch(1)
    world.publish(2)
    world.embed(range(12), version=2)
    world.work()
    assert [batch.version for batch in world.selected()] == [1, 2]
    assert not set(untouched) & set(world.batch(2)), "what is still out was sent out again"
    world.close(1, "SUPERSEDED", accepted=untouched, superseded=untouched)
    world.work()
    assert len(world.selected()) == 2, "a batch was selected while one is open"
    assert not set(untouched) & world.taken()


def test_an_older_manifest_that_arrives_late_is_ignored(sqlite: World) -> None:
    sqlite.campaign()
    sqlite.publish()
    old, new = sqlite.embedded(range(4)), sqlite.embedded(range(8))
    sqlite.say(new)
    sqlite.say(old)
    sqlite.work()
    assert sqlite.rankings()[0].images == 8


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


def test_a_released_image_ends_the_exhaustion(world: World) -> None:
    begin(world, images=2)
    one, two = world.batch(1)
    world.label([one])
    world.close(1, "CLOSE_FRACTION", accepted=[one, two], labelled=[one], outstanding=[two])
    world.work()
    assert "exhausted" in world.waiting_for()
    world.release(1, [two])
    world.work()
    assert world.batch(2) == [two]


def test_another_strategy_ranks_again_under_it(sqlite: World) -> None:
    begin(sqlite)
    sqlite.campaign(strategy="random")
    sqlite.work()
    assert [ranking.strategy for ranking in sqlite.rankings()] == ["random", "centroids"]
    sqlite.label_and_close(1)
    sqlite.work()
    assert sqlite.selected()[1].strategy == "random"


def test_the_same_seed_and_images_give_the_same_batches_however_the_shards_are_cut(tmp_path: Path) -> None:
    said = []
    for name, rows in (("one", 3), ("other", 5)):
        with place("sqlite", tmp_path, None) as made:
            database = made.open()
            migrate(database, "aloft.acquisition")
            world = World(database, tmp_path / name)
            world.campaign()
            world.publish()
            numbers = random.Random(name).sample(range(20), 20)
            world.say(world.embedded(numbers, rows=rows))
            world.work()
            world.label_and_close(1)
            world.work()
            said.append([(batch.seed, list(batch.images)) for batch in world.selected()])
    assert said[0] == said[1]


def test_the_ranking_lies_best_first_in_the_store_without_what_is_labelled(sqlite: World) -> None:
    begin(sqlite)
    labelled = sqlite.batch(1)
    sqlite.label_and_close(1)
    sqlite.embed(range(9))
    sqlite.work()
    newest = sqlite.rankings()[0]
    key = ranking_file.ranking_key(CAMPAIGN, 1, newest.digest)
    ranked = ranking_file.read(sqlite.objects, key, newest.digest, newest.images)
    assert set(hexadecimal(ranked.images)) == {image(number) for number in range(9)} - set(labelled)
    assert ranked.scores.tolist() == sorted(ranked.scores.tolist(), reverse=True)


def test_a_job_whose_world_moved_on_writes_nothing_and_is_done_again(sqlite: World) -> None:
    class Quarantining(DirectoryObjects):
        armed = True

        def get(self, key: str) -> bytes:
            if self.armed and "part-" in key:
                self.armed = False
                for number in range(4):
                    moving.quarantine(image(number))
            return super().get(key)

    objects = Quarantining(Path(sqlite.database.url.removeprefix("sqlite:///")).parent / "moving")
    moving = World(sqlite.database, Path(), objects)
    begin(moving, images=6, size=6)
    (batch,) = moving.selected()
    assert {each.image for each in batch.images} == {image(4), image(5)}, "a quarantined image was sent out"


def test_a_stale_worker_commits_nothing(sqlite: World) -> None:
    sqlite.campaign()
    sqlite.publish()
    sqlite.embed(range(8))

    class Stalling(DirectoryObjects):
        armed = True

        def get(self, key: str) -> bytes:
            if self.armed:
                self.armed = False
                sqlite.database.advance(3600)
                assert sqlite.work() == 1, "the other worker did not get the job"
            return super().get(key)

    folder = Path(sqlite.database.url.removeprefix("sqlite:///")).parent / "objects"
    stale = World(sqlite.database, folder, Stalling(folder))
    stale.work()
    assert len(sqlite.rankings()) == 1
    assert len(sqlite.selected()) == 1


def test_a_ranking_is_found_by_its_name_and_pages_go_on(sqlite: World) -> None:
    begin(sqlite)
    for count in range(9, 12):
        sqlite.embed(range(count))
        sqlite.work()
    call = Call.by(OPERATOR)
    request = pb.ListRankingsRequest(parent=f"campaigns/{CAMPAIGN}", page_size=3)
    first = sqlite.servicer.ListRankings(request, call)
    request.page_token = first.next_page_token
    second = sqlite.servicer.ListRankings(request, call)
    assert [ranking.images for ranking in (*first.rankings, *second.rankings)] == [11, 10, 9, 8]
    assert second.next_page_token == ""
    one = first.rankings[1]
    assert sqlite.servicer.GetRanking(pb.GetRankingRequest(name=one.name), call) == one


def test_the_images_of_a_batch_are_paged_in_the_order_in_which_they_were_chosen(sqlite: World) -> None:
    begin(sqlite, images=9, size=5)
    first = sqlite.picks(1, size=3)
    second = sqlite.picks(1, size=3, token=first.next_page_token)
    shown = [each.image for each in (*first.selected_images, *second.selected_images)]
    assert shown == sqlite.batch(1)
    assert second.next_page_token == ""


def test_what_is_not_there_is_said_not_to_be(sqlite: World) -> None:
    sqlite.campaign()
    call = Call.by(OPERATOR)
    assert sqlite.waiting_for() == "a first promoted version of the model"
    with pytest.raises(NotFound, match="rankings/9 does not exist"):
        sqlite.servicer.GetRanking(pb.GetRankingRequest(name=f"campaigns/{CAMPAIGN}/rankings/9"), call)
    with pytest.raises(NotFound, match="batches/7 was not selected here"):
        sqlite.picks(7)
    with pytest.raises(NotFound, match="campaigns/none does not exist"):
        sqlite.servicer.GetSelection(pb.GetSelectionRequest(name="campaigns/none/selection"), call)
    with pytest.raises(InvalidArgument, match="give a name like"):
        sqlite.servicer.ListRankings(pb.ListRankingsRequest(parent="none"), call)


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
