import numpy as np

from aloft.networks.head import Head
from aloft.trainer.domain.snapshot import Split
from aloft.trainer.use_cases.judging import judge, targets
from tests.unit.trainer.test_snapshot import ITEMS, SNAPSHOT

HEAD = Head(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
FEATURES = np.array([[3, -3], [-3, 3], [2, -1], [-1, 2]], np.float32)
TRUTH = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)


def test_what_is_neither_positive_nor_unsure_is_a_negative_target() -> None:
    told = targets(ITEMS, SNAPSHOT.labels)
    np.testing.assert_array_equal(told, np.array([[np.nan, 1, 0], [0, 0, 0]], np.float32))


def test_features_that_half_precision_cannot_hold_leave_their_image_out_and_are_counted() -> None:
    features = np.concatenate([FEATURES, np.array([[1e6, 0]], np.float32)])
    truth = np.concatenate([TRUTH, np.array([[0, 1]], np.float32)])
    judged = judge({Split.VALIDATION: features}, {Split.VALIDATION: truth}, HEAD, ("a", "b"))
    assert judged.score == 1.0, "the image without finite features was judged"
    assert judged.about()["features_not_finite"] == {"validation": 1}


def test_a_split_without_an_image_that_can_be_judged_is_as_one_without_labels() -> None:
    endless = np.full((2, 2), 1e6, np.float32)
    features = {Split.VALIDATION: endless, Split.TEST: FEATURES}
    judged = judge(features, {Split.VALIDATION: TRUTH[:2], Split.TEST: TRUTH}, HEAD, ("a", "b"))
    assert judged.on is Split.TEST
    assert judge({Split.TEST: endless}, {Split.TEST: TRUTH[:2]}, HEAD, ("a", "b")).score is None


def test_every_score_is_a_metric_of_its_split() -> None:
    judged = judge({Split.TEST: FEATURES}, {Split.TEST: TRUTH}, HEAD, ("a", "b"))
    assert judged.metrics["test/map_macro"] == judged.metrics["test/ap/a"] == 1.0
