"""What operators ask acquisition for: another ranking, a look at a batch before it is one, and reasons."""

from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
import pytest
from google.longrunning import operations_pb2
from google.protobuf.message import Message

from aloft.acquisition.asking import RESPONSES
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.kit.errors import AloftError, FailedPrecondition, InvalidArgument, NotFound
from aloft.kit.explaining import Kind
from aloft.kit.rpc.call import Call, Principal, Role
from aloft.kit.rpc.operations import Operations
from aloft.strategies import catalogue
from aloft.strategies.entry import Kind as Part
from tests.integration.acquisition.world import CAMPAIGN, OPERATOR, World, image, opened

LABELS = ("water", "road", "tree")
PARENT = f"campaigns/{CAMPAIGN}"
State = pb.SelectionExplanation


@pytest.fixture
def world(world: World) -> World:
    return begun(world)


@pytest.fixture
def sqlite(sqlite: World) -> World:
    return begun(sqlite)


def begun(world: World) -> World:
    """A campaign whose first batch, of two of twelve images, is out."""
    world.campaign(strategy="mge+kmeans")
    world.publish()
    world.embed(range(12), labels=LABELS)
    world.work()
    return world


def call(method: str = "") -> Call:
    return Call.by(OPERATOR, method=method)


Answer = TypeVar("Answer", bound=Message)


def answer(world: World, operation: operations_pb2.Operation, message: Answer) -> Answer:
    """Do what was queued, and read what the operation answers."""
    world.work()
    request = operations_pb2.GetOperationRequest(name=operation.name)
    done = Operations(world.jobs, RESPONSES).get(request, call())
    assert done.done, f"{operation.name} did not end"
    assert not done.HasField("error"), done.error.message
    assert done.response.Unpack(message), f"the answer is a {done.response.type_url}"
    return message


def preview(world: World, **asked: Any) -> pb.BatchSelection:
    request = pb.SelectBatchRequest(parent=PARENT, validate_only=True, **asked)
    return answer(world, world.servicer.SelectBatch(request, call()), pb.BatchSelection())


def compare(world: World, *strategies: str, **asked: Any) -> pb.StrategyComparison:
    request = pb.CompareStrategiesRequest(parent=PARENT, strategies=strategies, **asked)
    return answer(world, world.servicer.CompareStrategies(request, call()), pb.StrategyComparison())


def explain(world: World, number: int) -> pb.SelectionExplanation:
    request = pb.ExplainSelectionRequest(name=f"{PARENT}/images/{image(number)}")
    return world.servicer.ExplainSelection(request, call())


def test_a_ranking_can_be_asked_for_although_nothing_changed(world: World) -> None:
    request = pb.RerankRequest(parent=PARENT)
    made = answer(world, world.servicer.Rerank(request, call()), pb.Ranking())
    newest, first = world.rankings()
    assert made == newest
    assert (newest.name, newest.images, newest.strategy) == (first.name, 12, "mge+kmeans")
    assert newest.create_time.ToMicroseconds() >= first.create_time.ToMicroseconds() > 0
    assert len(world.selected()) == 1, "a batch was selected while one is out"


def test_what_is_asked_for_twice_with_one_request_id_is_done_once(sqlite: World) -> None:
    request = pb.RerankRequest(parent=PARENT, request_id=str(uuid4()))
    first = sqlite.servicer.Rerank(request, call("Rerank"))
    sqlite.work()
    assert sqlite.servicer.Rerank(request, call("Rerank")).name == first.name
    assert sqlite.work() == 0
    assert len(sqlite.rankings()) == 2


def test_without_anything_embedded_there_is_nothing_to_rank(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        with pytest.raises(NotFound, match="does not exist"):
            world.servicer.Rerank(pb.RerankRequest(parent=PARENT), call())
        world.campaign()
        with pytest.raises(FailedPrecondition, match="no pool is embedded"):
            world.servicer.Rerank(pb.RerankRequest(parent=PARENT), call())
        with pytest.raises(FailedPrecondition, match="no ranking yet"):
            world.servicer.SelectBatch(pb.SelectBatchRequest(parent=PARENT, validate_only=True), call())


def test_a_ranking_that_was_asked_for_and_is_cancelled_leaves_nothing(sqlite: World) -> None:
    operation = sqlite.servicer.Rerank(pb.RerankRequest(parent=PARENT), call())
    Operations(sqlite.jobs).cancel(operations_pb2.CancelOperationRequest(name=operation.name), call())
    assert sqlite.work() == 0
    assert len(sqlite.rankings()) == 1
    assert "BATCH_OUT" in sqlite.why()


def test_the_preview_of_the_next_batch_is_the_next_batch_and_writes_nothing(world: World) -> None:
    names = world.batch(1)
    seen = preview(world)
    assert (seen.batch, seen.version, seen.strategy, seen.images) == (0, 1, "mge+kmeans", 2)
    assert not {each.image for each in seen.selected_images} & set(names), "what is out was selected again"
    assert len(world.selected()) == len(world.rankings()) == 1, "a preview wrote something"
    world.close(1, "CLOSE_AFTER", accepted=names, outstanding=names)
    world.work()
    (batch,) = world.selected()[1:]
    assert (batch.seed, [each.why for each in batch.images], world.batch(2)) == (
        seen.seed,
        [each.why for each in seen.selected_images],
        [each.image for each in seen.selected_images],
    )


def test_a_preview_says_how_many_images_of_each_label_are_expected(sqlite: World) -> None:
    seen = preview(sqlite, strategy="random", size=3, seed=2**64 - 1)
    assert (seen.strategy, seen.images, seen.seed) == ("random", 3, 2**64 - 1)
    numbers = {image(number): number for number in range(12)}
    logits = np.array([-1.0 - numbers[each.image] for each in seen.selected_images])
    p = float((1 / (1 + np.exp(-logits))).sum())
    assert dict(seen.expected_positives) == pytest.approx(dict.fromkeys(LABELS, p))


def test_a_preview_of_another_seed_or_size_is_another_selection(sqlite: World) -> None:
    seen = [
        [each.image for each in preview(sqlite, strategy="random", size=10, seed=1).selected_images],
        [each.image for each in preview(sqlite, strategy="random", size=5, seed=1).selected_images],
    ]
    assert seen[0][:5] == seen[1]
    assert preview(sqlite, size=50).shortfall.startswith("10 of 50 images")


def test_what_a_preview_cannot_be_asked_is_refused_by_its_field(sqlite: World) -> None:
    def refused(**asked: Any) -> str:
        with pytest.raises(InvalidArgument) as raised:
            sqlite.servicer.SelectBatch(pb.SelectBatchRequest(parent=PARENT, **asked), call())
        (violation,) = raised.value.violations
        return violation.field

    assert refused(validate_only=True, strategy="mge+kmean") == "strategy"
    assert refused(validate_only=True, size=5_001) == "size"
    assert refused(strategy="random") == "strategy"
    assert refused(size=3) == "size"
    assert refused(seed=0) == "seed"


def test_a_preview_by_a_strategy_that_lacks_something_ends_with_what_it_lacks(sqlite: World) -> None:
    operation = sqlite.servicer.SelectBatch(
        pb.SelectBatchRequest(parent=PARENT, validate_only=True, strategy="bald"), call()
    )
    sqlite.work()
    request = operations_pb2.GetOperationRequest(name=operation.name)
    done = Operations(sqlite.jobs, RESPONSES).get(request, call())
    assert done.error.message.startswith(
        "STRATEGY_NEEDS_MORE: the column bald beside the logits of version 1"
    )


def test_a_batch_that_is_not_due_is_refused_with_what_is_waited_for(sqlite: World) -> None:
    with pytest.raises(FailedPrecondition, match="the open batch to be labelled") as raised:
        sqlite.servicer.SelectBatch(pb.SelectBatchRequest(parent=PARENT), call())
    assert raised.value.reason == "BATCH_OUT"


def test_a_batch_that_is_due_is_selected_when_it_is_asked_for(world: World) -> None:
    names = world.batch(1)
    world.close(1, "CLOSE_AFTER", accepted=names, outstanding=names)
    operation = world.servicer.SelectBatch(pb.SelectBatchRequest(parent=PARENT), call())
    seen = answer(world, operation, pb.BatchSelection())
    assert (seen.batch, seen.version, seen.images) == (2, 1, 2)
    assert [batch.batch for batch in world.selected()] == [1, 2], "asking made a batch too many"


def test_a_selection_that_sends_nothing_out_answers_no_batch(sqlite: World) -> None:
    names = sqlite.batch(1)
    sqlite.close(1, "CLOSE_AFTER", accepted=names, outstanding=names)
    sqlite.label([image(number) for number in range(12)])
    operation = sqlite.servicer.SelectBatch(pb.SelectBatchRequest(parent=PARENT), call())
    seen = answer(sqlite, operation, pb.BatchSelection())
    assert (seen.batch, seen.version, seen.images) == (0, 1, 0)
    assert "exhausted" in sqlite.waiting_for()


def test_a_selection_that_was_cancelled_is_said_to_be_stuck_and_done_when_asked_for(sqlite: World) -> None:
    names = sqlite.batch(1)
    sqlite.close(1, "CLOSE_AFTER", accepted=names, outstanding=names)
    with sqlite.database.transaction() as tx:
        (job,) = sqlite.jobs.list(tx, limit=1)
        sqlite.jobs.cancel(tx, job.id)
    assert sqlite.work() == 0
    cause = sqlite.why()["SELECTION"]
    assert (cause.kind, cause.remedy) == (Kind.STUCK, f"`aloft batch select {CAMPAIGN}`")
    sqlite.servicer.SelectBatch(pb.SelectBatchRequest(parent=PARENT), call())
    sqlite.work()
    assert len(sqlite.selected()) == 2


def test_strategies_are_compared_by_what_they_share_and_what_each_is_expected_to_bring(world: World) -> None:
    seen = compare(world, "random", "mge+kmeans", size=4)
    assert (seen.version, seen.ranking) == (1, world.rankings()[0].name)
    assert [(each.expression, each.strategy, each.images) for each in seen.choices] == [
        ("random", "random", 4),
        ("mge+kmeans", "mge+kmeans", 4),
    ]
    assert all(set(each.expected_positives) == set(LABELS) for each in seen.choices)
    chosen = [
        {each.image for each in preview(world, strategy=strategy, size=4).selected_images}
        for strategy in ("random", "mge+kmeans")
    ]
    (overlap,) = seen.overlaps
    shared = len(chosen[0] & chosen[1])
    assert (overlap.first, overlap.second, overlap.images) == ("random", "mge+kmeans", shared)
    assert overlap.jaccard == pytest.approx(shared / len(chosen[0] | chosen[1]))
    assert len(world.selected()) == len(world.rankings()) == 1


def test_every_strategy_of_the_catalogue_works_on_an_embedded_pool(sqlite: World) -> None:
    sqlite.label([image(0), image(1)])
    sqlite.publish(2, revision=1)
    sqlite.embed(range(12), 2, labels=("road", "water", "fog"))
    sqlite.work()
    kinds = (Part.ALONE, Part.SCORE)
    wanted = [
        one.name
        for one in catalogue.entries()
        if one.kind in kinds and not one.needs.columns and one.name != "auto"
    ]
    wanted += ["class_balanced(margin)+herding", "max(entropy)+kcenter"]
    taken = {*sqlite.batch(1), *sqlite.batch(2), image(0), image(1)}
    for strategy in wanted:
        seen = preview(sqlite, strategy=strategy, size=3)
        names = [each.image for each in seen.selected_images]
        assert len(set(names)) == 3, f"{strategy} selected {names}: {seen.shortfall}"
        assert not taken.intersection(names), f"{strategy} selected what is labelled or out"


@pytest.mark.parametrize("wanted", [["random"], ["random", "random"], ["random"] * 9])
def test_fewer_than_two_or_equal_strategies_are_no_comparison(sqlite: World, wanted: list[str]) -> None:
    with pytest.raises(InvalidArgument, match="2 to 8 different"):
        sqlite.servicer.CompareStrategies(
            pb.CompareStrategiesRequest(parent=PARENT, strategies=wanted), call()
        )


def test_a_look_that_takes_too_long_is_given_up(sqlite: World) -> None:
    operation = sqlite.servicer.SelectBatch(
        pb.SelectBatchRequest(parent=PARENT, validate_only=True, strategy="random"), call()
    )
    sqlite.look_for_at_most(-1.0)
    sqlite.work()
    request = operations_pb2.GetOperationRequest(name=operation.name)
    done = Operations(sqlite.jobs, RESPONSES).get(request, call())
    assert done.error.message.startswith("TOOK_TOO_LONG")


def test_a_ranking_is_read_page_by_page_in_its_order(world: World) -> None:
    (ranking,) = world.rankings()
    token, seen, pages = "", [], 0
    while token or not pages:
        request = pb.ListRankedImagesRequest(parent=ranking.name, page_size=5, page_token=token)
        page = world.servicer.ListRankedImages(request, call())
        seen += list(page.ranked_images)
        token, pages = page.next_page_token, pages + 1
    assert pages == 3
    assert [each.place for each in seen] == list(range(1, 13))
    assert [each.score for each in seen] == sorted((each.score for each in seen), reverse=True)
    assert {each.image for each in seen} == {image(number) for number in range(12)}
    with pytest.raises(NotFound, match="rankings/9-0 does not exist"):
        world.servicer.ListRankedImages(pb.ListRankedImagesRequest(parent=f"{PARENT}/rankings/9-0"), call())


def test_each_image_is_told_why_it_was_selected_or_why_not(world: World) -> None:
    first = [number for number in range(12) if image(number) in world.batch(1)]
    free = [number for number in range(12) if number not in first]
    out = explain(world, first[0])
    assert out.state == State.STATE_OUT
    (pick,) = out.picks
    place = world.batch(1).index(image(first[0])) + 1
    assert (pick.batch, pick.place, pick.strategy, pick.version) == (1, place, "mge+kmeans", 1)
    assert pick.why == world.picks(1).selected_images[place - 1].why
    assert (out.ranking, out.ranked_images) == (world.rankings()[0].name, 12)

    waiting = explain(world, free[0])
    assert (waiting.state, list(waiting.picks)) == (State.STATE_RANKED, [])
    assert waiting.why.startswith(f"It waits at place {waiting.place} of 12 by mge+kmeans under version 1.")

    world.label([image(first[0])])
    world.release(1, [image(first[1])], reason="SKIPPED")
    world.quarantine(image(free[1]))
    world.register(image(free[2]), version=2, split="VALIDATION")
    states = {number: explain(world, number).state for number in (*first, *free[1:3], 99)}
    assert states == {
        first[0]: State.STATE_LABELLED,
        first[1]: State.STATE_SKIPPED,
        free[1]: State.STATE_QUARANTINED,
        free[2]: State.STATE_HELD_OUT,
        99: State.STATE_NOT_RANKED,
    }


def test_an_image_is_asked_for_by_its_id(sqlite: World) -> None:
    with pytest.raises(InvalidArgument, match="32 hexadecimal digits"):
        sqlite.servicer.ExplainSelection(
            pb.ExplainSelectionRequest(name=f"{PARENT}/images/photo.png"), call()
        )


def test_the_catalogue_is_listed_with_needs_parameters_and_costs(sqlite: World) -> None:
    whole = sqlite.servicer.ListStrategies(pb.ListStrategiesRequest(page_size=1000), call())
    parts = {(each.kind, each.name): each for each in whole.strategies}
    kmeans = parts[pb.StrategyPart.KIND_DIVERSITY, "kmeans"]
    assert "candidates" in kmeans.needs
    assert [each.name for each in kmeans.parameters] == ["h"]
    assert kmeans.cost
    assert parts[pb.StrategyPart.KIND_SCORE, "bald"].needs[-1] == "bald"
    assert whole.default_expression
    first = sqlite.servicer.ListStrategies(pb.ListStrategiesRequest(page_size=3), call())
    rest = pb.ListStrategiesRequest(page_size=3, page_token=first.next_page_token)
    again = [*first.strategies, *sqlite.servicer.ListStrategies(rest, call()).strategies]
    assert again == list(whole.strategies)[:6]


def test_whoever_may_not_see_a_campaign_learns_nothing_of_it(sqlite: World) -> None:
    stranger = Call.by(Principal("operators/s", Role.OPERATOR, frozenset({"other"})))
    asked: list[tuple[Any, Message]] = [
        (sqlite.servicer.Rerank, pb.RerankRequest(parent=PARENT)),
        (sqlite.servicer.SelectBatch, pb.SelectBatchRequest(parent=PARENT, validate_only=True)),
        (
            sqlite.servicer.CompareStrategies,
            pb.CompareStrategiesRequest(parent=PARENT, strategies=["random", "mge+kmeans"]),
        ),
        (
            sqlite.servicer.ListRankedImages,
            pb.ListRankedImagesRequest(parent=sqlite.rankings()[0].name),
        ),
        (
            sqlite.servicer.ExplainSelection,
            pb.ExplainSelectionRequest(name=f"{PARENT}/images/{image(1)}"),
        ),
    ]
    for method, request in asked:
        with pytest.raises(AloftError) as raised:
            method(request, stranger)
        assert raised.value.reason == "CAMPAIGN_NOT_FOUND"
