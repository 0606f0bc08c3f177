"""When a campaign has learned enough: by what its versions score on the images that are held out."""

from collections.abc import Sequence
from dataclasses import dataclass

from aloft.api.labels.v1 import campaign_pb2 as pb

_ROUNDING = 1e-9
"""A gain of 0.005 is one, although 0.705 - 0.7 is a little less in binary."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A version that was judged."""

    version: int
    score: float
    promoted: bool


def stop_reason(rules: pb.StopRules, scored: Sequence[Scored]) -> str:
    """Name the rule that stops a campaign whose versions scored so, in any order; empty when none does."""
    if rules.HasField("target_score") and any(
        one.promoted and one.score >= rules.target_score for one in scored
    ):
        return "TARGET_SCORE"
    in_order = [one.score for one in sorted(scored, key=lambda one: one.version)]
    if rules.HasField("plateau") and plateaued(in_order, rules.plateau.versions, rules.plateau.min_gain):
        return "PLATEAU"
    return ""


def plateaued(scores: Sequence[float], versions: int, min_gain: float) -> bool:
    """Whether none of the last so many scores is above the best before them by the least gain."""
    before, last = scores[:-versions], scores[-versions:]
    return bool(before) and max(last) - max(before) < min_gain - _ROUNDING
