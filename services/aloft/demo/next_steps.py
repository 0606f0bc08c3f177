"""Three things to try after a demonstration, from what it showed."""

from collections.abc import Sequence

from aloft.demo.outcome import Outcome
from aloft.demo.plan import WHOLE


def next_steps(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Name three commands, each with what it is for."""
    outcome = outcomes[0]
    if outcome.plan.budget < WHOLE.budget:
        first = ("aloft demo", "all of it: a larger pool and more labels, where choosing pays")
    elif len(outcomes) == 1:
        first = ("aloft demo --seeds 5", "the same on five pools, with the interval of the difference")
    else:
        first = ("aloft demo --strategy centroids", "another strategy on the same pools")
    worst = min(outcome.labels(), key=lambda label: outcome.active.ap(label) or 0.0)
    weak = (
        f"aloft demo --size 128 --seed {outcome.plan.seed}",
        f"the same scenes with twice the resolution: {worst} is what it is worst at",
    )
    own = ("aloft up", "your own images, in aloft-data/pool; README.md says how to go on")
    return [first, weak, own]
