"""Rankings: which version and strategy they are of, where they lie, how they are read."""

from pathlib import Path

import pytest

from aloft.acquisition import ranking_file
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.kit.errors import InvalidArgument, NotFound
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.rpc.call import Call
from aloft.strategies.pool import hexadecimal
from tests.integration.acquisition.world import CAMPAIGN, OPERATOR, World, begin, image


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


def test_another_strategy_ranks_again_under_it(sqlite: World) -> None:
    begin(sqlite)
    sqlite.campaign(strategy="random")
    sqlite.work()
    assert [ranking.strategy for ranking in sqlite.rankings()] == ["random", "centroids"]
    sqlite.label_and_close(1)
    sqlite.work()
    assert sqlite.selected()[1].strategy == "random"


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
