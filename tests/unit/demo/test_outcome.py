"""What a demonstration says at its end, from what the API answered."""

import pytest

from aloft.api.acquisition.v1.acquisition_service_pb2 import Ranking
from aloft.api.labels.v1.batch_service_pb2 import Batch
from aloft.api.labels.v1.campaign_pb2 import VERDICT_NEGATIVE, VERDICT_POSITIVE, LabelVerdict
from aloft.api.labels.v1.image_service_pb2 import Image
from aloft.api.trainer.v1.trainer_service_pb2 import Model
from aloft.demo.ending import Found, rounds_of, shown_by
from aloft.demo.outcome import SCORE, as_dict
from aloft.demo.seeds import mean_curve, paired
from tests.unit.demo.recorded import PLAN, chosen, outcome, outcome_on_servers


def batch(number: int, opened: int, closed: int) -> Batch:
    made = Batch(name=f"campaigns/active/batches/{number}", strategy="mge+kmeans", labelled_images=2)
    made.ranking = f"campaigns/active/rankings/{number}"
    made.create_time.FromSeconds(opened)
    made.close_time.FromSeconds(closed)
    return made


def model(version: int, made_at: int) -> Model:
    made = Model(version=version, metrics={SCORE: version / 10})
    made.create_time.FromSeconds(made_at)
    return made


def ranking(number: int, made_at: int) -> Ranking:
    made = Ranking(name=f"campaigns/active/rankings/{number}")
    made.create_time.FromSeconds(made_at)
    return made


FOUND = Found(
    batches=[batch(1, 10, 12), batch(2, 30, 33)],
    versions=[model(2, 20), model(4, 40)],
    rankings=[ranking(1, 9), ranking(2, 26)],
    chosen={1: [chosen(0, "trees")], 2: [chosen(1, "cars")]},
)


def test_each_batch_stands_beside_the_version_that_learned_from_it() -> None:
    first, second = rounds_of(FOUND)
    assert (first.version, first.labelled, first.score) == (2, 2, 0.2)
    assert (second.version, second.labelled, second.score) == (4, 4, 0.4), "labels add up over batches"
    assert dict(second.positives) == {"cars": 1}


def test_the_time_of_a_round_is_shared_out_among_its_stages() -> None:
    first, second = rounds_of(FOUND)
    assert first.seconds == {"label": 2.0, "train": 8.0}, "nothing of the campaign was trained before it"
    assert second.seconds == {"embed and rank": 6.0, "select": 4.0, "label": 3.0, "train": 7.0}


def test_only_what_the_consensus_found_is_shown() -> None:
    image = Image()
    for label, verdict in (("trees", VERDICT_POSITIVE), ("cars", VERDICT_NEGATIVE)):
        image.label_set.verdicts.append(LabelVerdict(label=label, verdict=verdict))
    assert shown_by(image) == ["trees"]


def test_labels_are_saved_from_where_the_active_arm_is_as_good_as_randoms_end() -> None:
    ended = outcome(active=0.6, random=0.5)
    assert ended.gain == pytest.approx(0.1)
    assert ended.reached() == pytest.approx(3.0), "halfway between 0.4 with 2 labels and 0.6 with 4"
    assert ended.saved() == pytest.approx(0.25)
    assert outcome(active=0.45, random=0.5).saved() is None, "it never was as good"


def test_a_script_finds_both_arms_and_every_label() -> None:
    written = as_dict(outcome())
    assert written["gain"] == 0.1
    assert written["labels"]["cars"] == {
        "pool": 2,
        "active": 2,
        "random": 2,
        "active_ap": 0.6,
        "random_ap": 0.5,
    }
    assert [one["labelled"] for one in written["arms"]["random"]["rounds"]] == [2, 4]
    assert list(written["labels"]) == ["ships", "cars", "trees"], "the rarest first"


def test_a_script_finds_what_is_served() -> None:
    written = as_dict(outcome_on_servers())
    assert written["arms"]["random"]["served"]["digest"] == "cd" * 32
    assert written["arms"]["random"]["served"]["version"] == 3
    assert as_dict(outcome())["arms"]["active"]["served"] is None


def test_a_label_that_could_not_be_judged_has_no_precision() -> None:
    assert outcome().active.ap("ships") is None


def test_the_interval_of_a_paired_difference_is_students() -> None:
    found = paired([0.01, 0.03, 0.02, 0.05, 0.04])
    assert found is not None
    assert found.mean == pytest.approx(0.03)
    assert found.high - found.mean == pytest.approx(2.776 * 0.0158114 / 5**0.5, rel=1e-3)
    assert paired([0.1]) is None, "one seed says nothing of chance"


def test_an_interval_of_many_seeds_is_students_too() -> None:
    found = paired([0.0, 1.0] * 10 + [0.5])
    assert found is not None
    assert (found.high - found.low) / 2 == pytest.approx(2.086 * 0.5 / 21**0.5, rel=1e-3)


def test_curves_of_seeds_are_averaged_batch_by_batch() -> None:
    arms = [outcome(active=0.6).active, outcome(active=0.8, plan=PLAN.seeded(1)).active]
    labels, scores = zip(*mean_curve(arms), strict=True)
    assert labels == (2, 4)
    assert scores == pytest.approx((0.4, 0.7))
