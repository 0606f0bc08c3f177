"""Whether a version that was judged may be promoted."""

from aloft.trainer.domain.campaign import Gate

UNSCORED = "it has no score to compare: no label is on some labelled held-out images and not on others"


def gate_failure(gate: Gate, score: float | None, before: float | None) -> str:
    """Say why a version is not promoted; nothing if it is.

    `before` is the score of the promoted version before it. What could not be judged passes no bound.
    """
    if score is None:
        bounded = gate.minimum is not None or (gate.max_drop is not None and before is not None)
        return UNSCORED if bounded else ""
    if gate.minimum is not None and score < gate.minimum:
        return f"its score {score:.4f} is below the minimum of {gate.minimum:.4f}"
    if gate.max_drop is not None and before is not None and score < before - gate.max_drop:
        drop = f"{before:.4f} - {score:.4f} = {before - score:.4f}"
        return f"its score dropped by {drop}, and may drop by {gate.max_drop:.4f}"
    return ""
