"""Where a peer is wrong on labels that do not exclude each other, or at all: cases to check by hand.

scikit-activeml, and small-text's BADGE, say that they are for one label an image. What is shown of
scikit-activeml is what comes of probabilities that do not sum to one, where it does not refuse them.
"""

import numpy as np
import pytest

from tests.bench.peers import calls
from tests.bench.peers.calls import Case

pytestmark = [pytest.mark.bench, pytest.mark.filterwarnings("ignore")]


def told(*probabilities: tuple[float, ...]) -> Case:
    """Make a case of probabilities alone; all features are the same."""
    chances = np.array(probabilities)
    logits = np.log(chances / (1 - chances)).astype(np.float32)
    return Case(np.ones((len(chances), 2), np.float32), logits, np.empty((0, 2), np.float32))


def test_scaled_to_sum_to_one_two_sure_labels_look_as_undecided_as_can_be() -> None:
    """`modAL.uncertainty.entropy_sampling` and `small_text.PredictionEntropy` call scipy's `entropy`.

    It divides a row by its sum. Image 0 has both labels for sure, p = (0.99, 0.99): scaled (½, ½), entropy
    ln 2 = 0.693, the largest there is. Image 1 is undecided of its first label, p = (0.5, 0.1): scaled
    (⅚, ⅙), entropy 0.451. Label by label in bits, image 0 has 0.081 and 0.081, mean 0.081; image 1 has 1 and
    0.469, mean 0.734.
    """
    case = told((0.99, 0.99), (0.5, 0.1))
    assert calls.modal_entropy_sampling(case, 1, 0) == [0]
    assert calls.small_text_prediction_entropy(case, 1, 0) == [0]
    assert calls.aloft("entropy")(case, 1, 0) == [1]
    scores = {pick.image[-1]: pick.score for pick in calls.aloft_picks("entropy", case, 2, 0).picks}
    assert scores == pytest.approx({"0": 0.081, "1": 0.734}, abs=1e-3)


def test_least_confident_by_the_largest_probability_is_an_image_surely_without_any_label() -> None:
    """`small_text.LeastConfidence` and `modAL.uncertainty.uncertainty_sampling` take the lowest max_c p_c.

    Image 0, p = (0.01, 0.01), surely has neither label: max 0.01. Image 1, p = (0.5, 0.5), may have either:
    max 0.5. Both take image 0. Its margins 1 − |2p − 1| are 0.02; those of image 1 are 1.
    """
    from modAL.uncertainty import uncertainty_sampling
    from small_text.query_strategies.strategies import LeastConfidence

    case = told((0.01, 0.01), (0.5, 0.5))
    classifier, pool = calls.Told(case.probabilities), np.arange(2)
    assert LeastConfidence().query(classifier, None, pool, np.array([]), None, 1).tolist() == [0]
    assert uncertainty_sampling(classifier, case.features)[0].tolist() == [0]
    assert calls.aloft("margin")(case, 1, 0) == [1]


def test_min_confidence_takes_the_label_that_is_surely_absent_for_the_least_confident() -> None:
    """`modAL.multilabel.min_confidence` takes the smallest min_c p_c for the least confidence.

    Image 0, p = (0.99, 0.01), is sure of both labels: min 0.01. Image 1, p = (0.5, 0.5), of neither: min 0.5.
    It takes image 0. Confidence that grows with p means that an absent label is never sure.
    """
    from modAL.multilabel import min_confidence

    case = told((0.99, 0.01), (0.5, 0.5))
    assert min_confidence(calls.Told(case.probabilities), case.features)[0].tolist() == [0]
    assert calls.aloft("max(margin)")(case, 1, 0) == [1]


def test_svm_binary_minimum_turns_round_when_ties_are_broken_at_random() -> None:
    """`modAL.multilabel.SVM_binary_minimum` is to take the image nearest to any label's boundary.

    Image 0 lies 0.1 from a boundary, image 1 lies 2 from both. Without `random_tie_break` it takes the
    argmin, image 0; with it `shuffled_argmax`, so image 1.
    """
    from modAL.multilabel import SVM_binary_minimum

    class Svm:
        def __init__(self, distances: list[float]) -> None:
            self._distances = np.array(distances)

        def decision_function(self, _: object) -> object:
            return self._distances

    class Learner:
        class estimator:  # noqa: N801
            estimators_ = (Svm([0.1, 2.0]), Svm([3.0, -2.0]))

    assert SVM_binary_minimum(Learner, np.zeros((2, 1))) == 0
    assert SVM_binary_minimum(Learner, np.zeros((2, 1)), random_tie_break=True)[0].tolist() == [1]


def test_dropout_strategies_put_one_softmax_over_all_labels_of_all_images() -> None:
    """`modAL.dropout.get_predictions`, under all its strategies: `prediction[mask].softmax(-1)`.

    A mask makes one row of all images and labels, and a softmax of that. Image 0 has logits (4, 4), so both
    labels for sure, σ(4) = 0.982; image 1 has (0, −2.2) and is undecided of the first, σ(0) = ½. e⁴ = 54.6,
    e⁰ = 1, e^−2.2 = 0.11, together 110.3: p = 0.495, 0.495 and 0.009, 0.001, so −p ln p = 0.348, 0.348 and
    0.043, 0.007. `mc_dropout_max_entropy` adds up the passes, here 3, and takes the mean of the labels: 1.044
    and 0.074. It picks image 0.
    """
    import torch
    from modAL.dropout import mc_dropout_max_entropy

    class Learner:
        class estimator:  # noqa: N801
            module_ = torch.nn.Dropout(0.5)

            @staticmethod
            def infer(samples: torch.Tensor) -> torch.Tensor:
                return samples.clone()

    logits = torch.tensor([[4.0, 4.0], [0.0, -2.2]])
    picked, entropy = mc_dropout_max_entropy(Learner, logits, n_instances=2, num_cycles=3)
    of = dict(zip(picked.tolist(), entropy.tolist(), strict=True))
    assert of == pytest.approx({0: 1.044, 1: 0.074}, abs=1e-3)
    case = Case(np.ones((2, 2), np.float32), logits.numpy(), np.empty((0, 2), np.float32))
    assert calls.aloft("entropy")(case, 1, 0) == [1]


def test_the_gradient_against_one_class_is_long_where_two_labels_are_sure() -> None:
    """`skactiveml.pool.Badge` takes 1 off the largest probability alone; the longest gradient is first.

    With z = (1, 1), image 0, p = (0.95, 0.9), is sure of both labels: its factor is (−0.05, 0.9), length
    0.901; against both labels it is (−0.05, −0.1), length 0.112. Image 1, p = (0.5, 0.4): (−0.5, 0.4), length
    0.640, both ways. It takes image 0.
    """
    from aloft.strategies.badge import residuals

    case = told((0.95, 0.9), (0.5, 0.4))
    assert calls.skactiveml_badge(case, 1, 0) == [0]
    lengths = np.sqrt(np.square(residuals(case.logits)).sum(axis=1))
    assert lengths == pytest.approx([0.112, 0.640], abs=1e-3)


def test_after_the_first_draw_the_peer_measures_no_farther_than_to_nothing_at_all() -> None:
    """`skactiveml.pool.Badge` keeps the lengths among the distances to what is drawn, as if 0 were drawn.

    Of one label and z = (3), (−3), (2) with the same factor the first is drawn. The gradient of the second is
    twice as far from it as it is long, that of the third is 1 from it: 36 and 1 in squares. It has 9 and 1.
    """
    from skactiveml.pool._badge import _d_2

    gradients = np.array([[3.0], [-3.0], [2.0]])
    assert _d_2(gradients, [0], _d_2(gradients, [])).tolist() == [0, 9, 1]
    assert np.square(gradients - gradients[0]).ravel().tolist() == [0, 36, 1]


def test_small_text_badge_scales_embeddings_by_the_probability_itself() -> None:
    """`small_text…BADGE.get_badge_embeddings`: `scale[argmax] = −proba[argmax]` names rows, not classes.

    It changes nothing, so class c scales by −p_c, where the gradient of cross-entropy has 1 − p_c for the
    predicted class. Three classes, z = (1, 0): a sure image, p = (0.98, 0.01, 0.01), gets length 0.980 for
    0.024; an undecided one, p = (⅓, ⅓, ⅓), gets 0.577 for 0.816. k-means++ is drawn to what is sure. With two
    classes or one nothing is scaled at all.
    """
    from small_text.integrations.pytorch.query_strategies import BADGE

    chances = np.array([[0.98, 0.01, 0.01], [1 / 3, 1 / 3, 1 / 3]])
    found = BADGE(num_classes=3).get_badge_embeddings(np.array([[1.0, 0.0]] * 2), chances)
    assert np.linalg.norm(found, axis=1) == pytest.approx([0.980, 0.577], abs=1e-3)
    right = chances - np.eye(3)[chances.argmax(axis=1)]
    assert np.linalg.norm(right, axis=1) == pytest.approx([0.024, 0.816], abs=1e-3)
    same = BADGE(num_classes=2).get_badge_embeddings(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]))
    assert same.tolist() == [[1.0, 0.0]]


def test_category_vector_inconsistency_ranks_by_what_is_no_margin_and_no_rank() -> None:
    """`small_text.CategoryVectorInconsistencyAndRanking._rank_by_margin`, meant as Reyes et al. (2018).

    The margin of a label is |p − (1 − p)|: with p = (0.9, 0.5, 0.2) of three images it is 0.8, 0, 0.6.
    Written is |p_c − Σ_l p_l|: with one label 0, 0, 0, whatever p is. And where margins differ, `argsort`
    says which image is at each place, not the place of each image: margins 0.3, 0.1, 0.2 have places 2, 0, 1,
    and it says 1, 2, 0.
    """
    from small_text.query_strategies.multi_label import CategoryVectorInconsistencyAndRanking

    asked = CategoryVectorInconsistencyAndRanking(pbar=None)
    one = np.array([[0.9], [0.5], [0.2]])
    assert np.abs(one - one.sum(axis=1, keepdims=True)).tolist() == [[0], [0], [0]]
    # Of two labels, its margin of one is the probability of the other.
    two = np.array([[0.5, 0.3], [0.5, 0.1], [0.5, 0.2]])
    assert asked._rank_by_margin(two)[0].tolist() == [1, 2, 0]


def test_scikit_activeml_refuses_probabilities_that_do_not_sum_to_one() -> None:
    from skactiveml.pool import uncertainty_scores

    with pytest.raises(ValueError, match="must be one"):
        uncertainty_scores(told((0.99, 0.99)).probabilities, method="entropy")
