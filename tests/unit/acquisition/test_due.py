from dataclasses import replace

import pytest

from aloft.acquisition.domain.due import Awaited, Rank, Select, Step, Wait, next_step
from aloft.acquisition.domain.situation import (
    Batch,
    CampaignState,
    Embedded,
    Ranked,
    Revisions,
    Situation,
)

FIRST = Embedded(version=1, generation=1, label_revision=0, strategy="centroids")
RANKED = Situation(
    state=CampaignState.RUNNING,
    state_reason="",
    promoted=1,
    embedded=FIRST,
    ranked=Ranked(number=1, version=1, generation=1, strategy="centroids"),
    batch=None,
    revisions=Revisions(),
    changes=3,
    exhausted_at=None,
)
OPEN = Batch(number=1, version=1, closed=False, reason="", changes=3)
CLOSED = replace(OPEN, closed=True, reason="COMPLETE")
SECOND = replace(
    RANKED,
    promoted=2,
    embedded=Embedded(2, 2, 4, "mge+kmeans"),
    ranked=Ranked(2, 2, 2, "mge+kmeans"),
    revisions=Revisions(applied=4, named=4, to_learn=4, to_learn_batch=1, learned=4),
)
"""Batch 1 closed with label revision 4, and version 2 was trained on it and is ranked."""


def waits(situation: Situation) -> str:
    step = next_step(situation)
    assert isinstance(step, Wait), f"expected to wait, got {step}"
    return step.sentence


def test_without_a_version_it_waits_for_one() -> None:
    nothing = replace(RANKED, promoted=None, embedded=None, ranked=None)
    assert waits(nothing) == "a first promoted version of the model"


def test_a_version_whose_pool_is_not_embedded_is_waited_for() -> None:
    assert waits(replace(RANKED, embedded=None, ranked=None)) == "the pool to be embedded under version 1"


@pytest.mark.parametrize(
    "embedded",
    [
        replace(FIRST, version=2, generation=5),
        replace(FIRST, generation=2),
        replace(FIRST, strategy="random"),
    ],
    ids=["newer version", "newer generation", "another strategy"],
)
def test_what_is_newly_embedded_is_ranked_even_while_a_batch_is_open_or_the_campaign_paused(
    embedded: Embedded,
) -> None:
    for state in CampaignState:
        now = replace(RANKED, embedded=embedded, batch=OPEN, state=state)
        assert next_step(now) == Rank(embedded.version, embedded.generation, embedded.strategy)


def test_the_first_ranking_gives_the_first_batch() -> None:
    assert next_step(RANKED) == Select(batch=1, ranking=1)


def test_nothing_is_selected_while_a_batch_is_open_and_there_is_nothing_to_wait_for() -> None:
    assert next_step(replace(RANKED, batch=OPEN)) == Wait(Awaited.LABELS)


def test_new_images_alone_do_not_replace_an_open_batch() -> None:
    now = replace(
        RANKED,
        embedded=replace(FIRST, generation=2),
        ranked=Ranked(2, 1, 2, "centroids"),
        batch=OPEN,
    )
    assert waits(now) == ""


def test_a_newer_version_replaces_an_open_batch() -> None:
    assert next_step(replace(SECOND, batch=OPEN)) == Select(batch=2, ranking=2)


def test_a_newer_version_that_is_not_embedded_leaves_an_open_batch_alone() -> None:
    assert waits(replace(RANKED, batch=OPEN, promoted=2)) == ""


IN_TRAINING = Revisions(applied=4, named=4, to_learn=4, to_learn_batch=1, learned=0)
TRAINED = replace(IN_TRAINING, learned=4)
BEHIND = replace(TRAINED, applied=3)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (
            replace(RANKED, batch=CLOSED, revisions=IN_TRAINING),
            Wait(Awaited.TRAINING, "the version that is trained on batch 1, label revision 4"),
        ),
        (
            replace(RANKED, batch=CLOSED, revisions=replace(IN_TRAINING, learned=3)),
            Wait(Awaited.TRAINING, "the version that is trained on batch 1, label revision 4"),
        ),
        (
            replace(RANKED, batch=CLOSED, revisions=TRAINED, promoted=2),
            Wait(Awaited.POOL, "the pool to be embedded under version 2"),
        ),
        (
            replace(RANKED, batch=CLOSED, revisions=TRAINED, promoted=2, embedded=SECOND.embedded),
            Rank(2, 2, "mge+kmeans"),
        ),
        (replace(SECOND, batch=CLOSED), Select(batch=2, ranking=2)),
        (replace(SECOND, batch=CLOSED, revisions=replace(TRAINED, learned=6)), Select(batch=2, ranking=2)),
        (
            replace(SECOND, batch=CLOSED, revisions=BEHIND),
            Wait(Awaited.REVISIONS, "label revision 4; 3 is applied"),
        ),
        (replace(RANKED, batch=CLOSED, revisions=TRAINED), Select(batch=2, ranking=1)),
        (
            replace(RANKED, batch=CLOSED, revisions=Revisions(applied=4, named=4)),
            Select(batch=2, ranking=1),
        ),
        (
            replace(RANKED, batch=CLOSED, revisions=Revisions(applied=3, named=4)),
            Wait(Awaited.REVISIONS, "label revision 4; 3 is applied"),
        ),
    ],
    ids=[
        "nothing is trained yet",
        "a version is trained on less",
        "the version is promoted and not embedded",
        "the version is embedded and not ranked",
        "the version is ranked",
        "the version learned from more",
        "the version is ranked before its labels are applied",
        "the version failed its gate",
        "nothing of the batch is to be learned",
        "nothing is to be learned, but labels are on their way",
    ],
)
def test_after_a_batch_closed_the_next_is_due(now: Situation, expected: Step) -> None:
    assert next_step(now) == expected


def test_what_an_earlier_batch_is_to_teach_is_waited_for_where_the_last_one_teaches_nothing() -> None:
    last = replace(CLOSED, number=2, reason="SUPERSEDED")
    assert "trained on batch 1" in waits(replace(RANKED, batch=last, revisions=IN_TRAINING))


def test_a_base_version_published_meanwhile_does_not_stand_for_the_version_that_is_trained() -> None:
    again = replace(
        RANKED,
        promoted=2,
        embedded=replace(FIRST, version=2, generation=2),
        ranked=Ranked(2, 2, 2, "centroids"),
        batch=CLOSED,
        revisions=IN_TRAINING,
    )
    assert "trained on batch 1" in waits(again)


def test_a_version_is_followed_only_when_the_label_revision_it_learned_from_is_applied() -> None:
    behind = replace(RANKED, embedded=replace(FIRST, label_revision=4), revisions=Revisions(applied=3))
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
