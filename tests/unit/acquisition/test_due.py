from dataclasses import replace

import pytest

from aloft.acquisition.domain.due import (
    Batch,
    CampaignState,
    Embedded,
    Rank,
    Ranked,
    Select,
    Situation,
    Wait,
    next_step,
)

RANKED = Situation(
    state=CampaignState.RUNNING,
    state_reason="",
    strategy="centroids",
    promoted=1,
    embedded=Embedded(version=1, generation=1, label_revision=0),
    ranked=Ranked(number=1, version=1, generation=1, strategy="centroids"),
    batch=None,
    applied_revision=0,
    named_revision=0,
    changes=3,
    exhausted_at=None,
)
OPEN = Batch(number=1, version=1, closed=False, reason="", changes=3)
CLOSED = replace(OPEN, closed=True, reason="COMPLETE")


def waits(situation: Situation) -> str:
    step = next_step(situation)
    assert isinstance(step, Wait), f"expected to wait, got {step}"
    return step.sentence


def test_without_a_version_it_waits_for_one() -> None:
    assert (
        waits(replace(RANKED, promoted=None, embedded=None, ranked=None))
        == "a first promoted version of the model"
    )


def test_a_version_whose_pool_is_not_embedded_is_waited_for() -> None:
    assert waits(replace(RANKED, embedded=None, ranked=None)) == "the pool to be embedded under version 1"


@pytest.mark.parametrize(
    "embedded", [Embedded(2, 5, 0), Embedded(1, 2, 0)], ids=["newer version", "newer generation"]
)
def test_what_is_newly_embedded_is_ranked_even_while_a_batch_is_open_or_the_campaign_paused(
    embedded: Embedded,
) -> None:
    for state in CampaignState:
        now = replace(RANKED, embedded=embedded, batch=OPEN, state=state)
        assert next_step(now) == Rank(embedded.version, embedded.generation, "centroids")


def test_another_strategy_ranks_again() -> None:
    assert next_step(replace(RANKED, strategy="random")) == Rank(1, 1, "random")


def test_the_first_ranking_gives_the_first_batch() -> None:
    assert next_step(RANKED) == Select(batch=1, ranking=1)


def test_nothing_is_selected_while_a_batch_is_open_and_there_is_nothing_to_wait_for() -> None:
    assert waits(replace(RANKED, batch=OPEN)) == ""


def test_new_images_alone_do_not_replace_an_open_batch() -> None:
    now = replace(RANKED, embedded=Embedded(1, 2, 0), ranked=Ranked(2, 1, 2, "centroids"), batch=OPEN)
    assert waits(now) == ""


def test_a_newer_version_replaces_an_open_batch() -> None:
    now = replace(RANKED, embedded=Embedded(2, 2, 0), ranked=Ranked(2, 2, 2, "centroids"), batch=OPEN)
    assert next_step(now) == Select(batch=2, ranking=2)


def test_after_a_batch_closed_the_next_is_selected_from_the_same_ranking() -> None:
    assert next_step(replace(RANKED, batch=CLOSED)) == Select(batch=2, ranking=1)


def test_a_closed_batch_is_followed_only_when_its_label_revision_is_applied() -> None:
    behind = replace(RANKED, batch=CLOSED, named_revision=7, applied_revision=5)
    assert waits(behind) == "label revision 7; 5 is applied"
    assert next_step(replace(behind, applied_revision=7)) == Select(batch=2, ranking=1)


def test_a_version_is_followed_only_when_the_label_revision_it_learned_from_is_applied() -> None:
    behind = replace(RANKED, embedded=Embedded(1, 1, 4), applied_revision=3)
    assert waits(behind) == "label revision 4; 3 is applied"


def test_a_paused_or_stopped_campaign_selects_nothing_and_says_why() -> None:
    paused = replace(RANKED, state=CampaignState.PAUSED, state_reason="BY_OPERATOR")
    assert waits(paused) == "the campaign to run: it is paused (BY_OPERATOR)"
    stopped = replace(RANKED, state=CampaignState.STOPPED, state_reason="BUDGET_IMAGES")
    assert waits(stopped) == "nothing: the campaign has stopped (BUDGET_IMAGES)"


def test_an_exhausted_pool_is_left_alone_until_something_changes() -> None:
    exhausted = replace(RANKED, batch=CLOSED, exhausted_at=3)
    assert "the pool is exhausted" in waits(exhausted)
    assert next_step(replace(exhausted, changes=4)) == Select(batch=2, ranking=1)


def test_batches_that_come_back_empty_do_not_chase_one_another() -> None:
    empty = replace(RANKED, batch=replace(CLOSED, reason="EMPTY"))
    assert waits(empty) == "a change: nothing of batch 1 was accepted, and the next would be the same"
    assert next_step(replace(empty, changes=4)) == Select(batch=2, ranking=1)
