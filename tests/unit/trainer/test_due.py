from dataclasses import replace

import pytest

from aloft.trainer.domain.campaign import State
from aloft.trainer.domain.due import FineTune, MakeBase, Situation, Step, Wait, Waits, next_step

FRESH = Situation(
    state=State.RUNNING,
    from_images=False,
    images=False,
    newest_run=None,
    live_run=None,
    base=None,
    wanted_revision=0,
    applied_revision=0,
    covered_revision=0,
    evaluation_open=False,
)
BASED = replace(FRESH, newest_run=1, base=1)
DUE = replace(BASED, wanted_revision=4, applied_revision=5)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (FRESH, MakeBase()),
        (replace(FRESH, state=State.PAUSED), Waits.CAMPAIGN_PAUSED),
        (replace(FRESH, state=State.STOPPED), Waits.CAMPAIGN_STOPPED),
        (replace(FRESH, from_images=True), Waits.NO_IMAGES),
        (replace(FRESH, from_images=True, images=True), MakeBase()),
        (replace(FRESH, newest_run=1, live_run=1), Waits.RUN),
        (replace(FRESH, newest_run=1), Waits.OPERATOR),
        (replace(DUE, newest_run=1, base=None), Waits.OPERATOR),
        (BASED, Waits.LABELS),
        (replace(BASED, state=State.STOPPED), Waits.CAMPAIGN_STOPPED),
        (DUE, FineTune(revision=5, parent=1)),
        (replace(DUE, live_run=2), Waits.RUN),
        (replace(DUE, applied_revision=3), Waits.LABEL_REVISIONS),
        (replace(DUE, covered_revision=4), Waits.LABELS),
        (replace(DUE, covered_revision=5), Waits.LABELS),
        (replace(DUE, covered_revision=3), FineTune(revision=5, parent=1)),
        (replace(DUE, evaluation_open=True), Waits.EVALUATION_BATCH),
        (replace(DUE, state=State.PAUSED), Waits.CAMPAIGN_PAUSED),
        (replace(DUE, state=State.STOPPED), FineTune(revision=5, parent=1)),
        (replace(DUE, base=3), FineTune(revision=5, parent=3)),
        (replace(DUE, covered_revision=5, losses_lacking=True), FineTune(revision=5, parent=1)),
        (replace(DUE, covered_revision=5, losses_lacking=True, live_run=2), Waits.RUN),
        (replace(DUE, covered_revision=5, losses_lacking=True, state=State.PAUSED), Waits.CAMPAIGN_PAUSED),
        (replace(DUE, covered_revision=5, losses_lacking=True, state=State.STOPPED), Waits.CAMPAIGN_STOPPED),
    ],
)
def test_training_does_what_is_due_and_else_says_what_it_waits_for(
    now: Situation, then: Step | Waits
) -> None:
    step = next_step(now)
    if isinstance(then, Waits):
        assert isinstance(step, Wait), f"{step} was begun instead of waiting for {then}"
        assert step.what is then
        assert step.sentence
    else:
        assert step == then
