"""The job that trains a version on every label set up to a revision, from a base version."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from aloft.kit.errors import FailedPrecondition
from aloft.kit.jobs import Lease
from aloft.trainer.domain.campaign import Training
from aloft.trainer.domain.gate import gate_failure
from aloft.trainer.domain.snapshot import Snapshot, Split
from aloft.trainer.store import models
from aloft.trainer.use_cases.decoding import Decoded, decode
from aloft.trainer.use_cases.ending import may_end_for_good
from aloft.trainer.use_cases.judging import HELD_OUT, Judged, judge, targets
from aloft.trainer.use_cases.means import Attempt, Means
from aloft.trainer.use_cases.parent import parent
from aloft.trainer.use_cases.publish import Made, publish
from aloft.trainer.use_cases.snapshots import pinned
from aloft.trainer.use_cases.training import learn_from_labels

FEWEST_IMAGES = 2
"""Labelled images that a head is solved for."""


class FineTune:
    """Trains, judges and publishes a version. May be begun again after any point."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def __call__(self, lease: Lease) -> Mapping[str, Any] | None:
        """Do the job."""
        attempt = self._means.attempt(lease)
        with may_end_for_good(attempt):
            attempt.beat(0, 1, "reading what is labelled")
            attempt, snapshot = pinned(attempt)
            decoded = {split: decode(attempt, split.value, snapshot.of(split), np.float32) for split in Split}
            _require_enough(decoded[Split.POOL], snapshot)
            publish(attempt, _made(attempt, snapshot, decoded))
        return None


def _made(attempt: Attempt, snapshot: Snapshot, decoded: Mapping[Split, Decoded]) -> Made:
    from aloft.learning import features_of
    from aloft.networks import choose_device

    labels = snapshot.labels
    told = {split: targets(each.items, labels) for split, each in decoded.items()}
    learned = learn_from_labels(attempt, parent(attempt), decoded[Split.POOL].images, told[Split.POOL])
    backbone, head = learned.backbone, learned.head
    attempt.beat(0, 1, "judging")
    device = choose_device(attempt.means.options.device)
    features = {
        split: features_of(backbone, decoded[split].images, device)
        for split in HELD_OUT
        if decoded[split].items
    }
    judged = judge(features, told, head, labels)
    return Made(
        backbone,
        head,
        learned.losses,
        labels=labels,
        temperature=float(judged.calibration.temperature),
        thresholds=tuple(map(float, judged.calibration.thresholds)),
        metrics=judged.metrics,
        score=judged.score,
        gate_failure=gate_failure(attempt.campaign.gate, judged.score, _score_before(attempt, judged.on)),
        parent=attempt.run.parent,
        about=_about(attempt, snapshot, decoded, judged, learned.hyperparameters),
    )


def _score_before(attempt: Attempt, on: Split | None) -> float | None:
    """Say how the promoted version before scored on the same split: another's score is of other images."""
    run = attempt.run
    with attempt.means.database.read() as tx:
        before = models.newest(tx, run.campaign, before=run.version, promoted=True, base=False)
    return before[0].metrics.get(f"{on.value}/map_macro") if before and on else None


def _require_enough(decoded: Decoded, snapshot: Snapshot) -> None:
    if len(decoded.items) < FEWEST_IMAGES:
        known = len(snapshot.of(Split.POOL))
        message = (
            f"{len(decoded.items)} of {known} labelled images of the pool can be used:"
            f" {FEWEST_IMAGES} at least are needed"
        )
        raise FailedPrecondition("TOO_FEW_IMAGES", message)


def _about(
    attempt: Attempt,
    snapshot: Snapshot,
    decoded: Mapping[Split, Decoded],
    judged: Judged,
    hyperparameters: Mapping[str, Any],
) -> dict[str, Any]:
    asked = attempt.run.training or Training()
    trained_on = decoded[Split.POOL].items
    positives = Counter(label for item in trained_on for label in item.positive)
    return {
        "mode": asked.mode.value,
        "seed": asked.seed,
        "hyperparameters": dict(hyperparameters),
        "data": {
            "quarantined": snapshot.quarantined,
            **{
                split.value: {"images": len(each.items), "left_out": each.left_out}
                for split, each in decoded.items()
            },
        },
        "positives": {label: positives[label] for label in snapshot.labels},
        "labels_without_positive": [label for label in snapshot.labels if not positives[label]],
        **judged.about(),
    }
