import numpy as np
import pytest
from numpy.typing import NDArray

from aloft.learning import Calibration, calibrate, evaluate
from aloft.learning.calibration import sigmoid

NAMES = ["field", "road", "ship"]
PLAIN = Calibration(temperature=1.0, thresholds=(0.5, 0.5, 0.5))
Floats = NDArray[np.float32]


def judged_pool(images: int = 400, seed: int = 0) -> tuple[Floats, Floats]:
    """Logits that are two times too sure, and what is the case: labels from common to rare."""
    draw = np.random.default_rng(seed)
    honest = draw.normal(size=(images, 3)) * 1.5 + np.array([0.0, -1.5, -4.5])
    targets = (draw.random(honest.shape) < sigmoid(honest)).astype(np.float32)
    return (2.0 * honest).astype(np.float32), targets


def test_the_temperature_undoes_being_too_sure() -> None:
    logits, targets = judged_pool(4000)
    assert calibrate(logits, targets).temperature == pytest.approx(2.0, rel=0.1)


def test_calibrated_probabilities_are_believed_more() -> None:
    logits, targets = judged_pool()
    before = evaluate(logits, targets, PLAIN, NAMES).ece
    after = evaluate(logits, targets, calibrate(logits, targets), NAMES).ece
    assert before is not None
    assert after is not None
    assert after < 0.5 * before


def test_a_threshold_has_the_best_f1_there_is() -> None:
    logits, targets = judged_pool()
    calibration = calibrate(logits, targets)
    chances, positive = calibration.probabilities(logits), targets > 0.5
    for label, threshold in enumerate(calibration.thresholds):

        def f1(at: float, label: int = label) -> float:
            called = chances[:, label] >= at
            hits = (called & positive[:, label]).sum()
            return float(2 * hits / (called.sum() + positive[:, label].sum()))

        assert f1(threshold) == pytest.approx(max(f1(at) for at in chances[:, label]))


@pytest.mark.parametrize("target", [0.0, 1.0, np.nan])
def test_without_both_kinds_there_is_nothing_to_fit(target: float) -> None:
    targets = np.full((5, 3), target, np.float32)
    calibration = calibrate(np.zeros((5, 3), np.float32), targets)
    assert calibration.thresholds == (0.5, 0.5, 0.5)
    assert np.isfinite(calibration.temperature)


def test_no_image_at_all_leaves_a_version_without_scores() -> None:
    nothing = np.zeros((0, 3), np.float32)
    evaluation = evaluate(nothing, nothing, calibrate(nothing, nothing), NAMES)
    assert evaluation.scalars() == {}
    assert evaluation.unscored == ("field", "road", "ship")


def test_a_label_without_a_positive_is_named_and_left_out_of_the_mean() -> None:
    logits, targets = judged_pool()
    targets[:, 2] = 0.0
    evaluation = evaluate(logits, targets, PLAIN, NAMES)
    assert evaluation.unscored == ("ship",)
    aps = [each.ap for each in evaluation.labels if each.ap is not None]
    assert len(aps) == 2
    assert evaluation.map_macro == pytest.approx(sum(aps) / 2)
    assert evaluation.labels[2].positives == 0


def test_rare_labels_have_a_score_of_their_own() -> None:
    logits, targets = judged_pool()
    evaluation = evaluate(logits, targets, PLAIN, NAMES)
    assert [each.rare for each in evaluation.labels] == [False, False, True]
    assert evaluation.rare_map == evaluation.labels[2].ap
    assert set(evaluation.scalars()) == {
        "map_macro",
        "map_micro",
        "f1_macro",
        "f1_micro",
        "ece",
        "rare_map",
        "ap/field",
        "ap/road",
        "ap/ship",
    }


def test_what_nobody_was_sure_of_changes_nothing() -> None:
    logits, targets = judged_pool()
    unsure = np.vstack([targets, np.full((50, 3), np.nan, np.float32)])
    more = np.vstack([logits, np.full((50, 3), 9.0, np.float32)])
    with_them, without = (
        evaluate(scores, wanted, calibrate(scores, wanted), NAMES)
        for scores, wanted in ((more, unsure), (logits, targets))
    )
    assert with_them.scalars() == without.scalars()


def test_intervals_hold_the_score_narrow_with_more_images_and_are_always_the_same() -> None:
    few, many = judged_pool(100), judged_pool(1000)
    narrow, wide = (evaluate(*pool, PLAIN, NAMES).map_macro_interval for pool in (many, few))
    assert narrow is not None
    assert wide is not None
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    evaluation = evaluate(*many, PLAIN, NAMES)
    assert evaluation == evaluate(*many, PLAIN, NAMES), "the same images gave another evaluation"
    for each in evaluation.labels:
        assert each.ap is not None
        assert each.interval is not None
        assert each.interval[0] <= each.ap <= each.interval[1]


def test_logits_that_are_not_finite_are_refused() -> None:
    logits, targets = judged_pool()
    logits[3, 1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        evaluate(logits, targets, PLAIN, NAMES)


def test_a_threshold_is_never_so_low_that_every_image_reaches_it() -> None:
    # All signs are right, so that the temperature is the coldest there is: 20 times as sure.
    logits = np.array([[9.0, 0.5], [8.0, -60.0], [-7.0, -70.0], [-9.0, -80.0]], np.float32)
    targets = np.array([[1, 1], [1, 0], [0, 0], [0, 0]], np.float32)
    calibration = calibrate(logits, targets)
    called = calibration.probabilities(logits) >= np.array(calibration.thresholds)
    assert called.tolist() == targets.astype(bool).tolist()
