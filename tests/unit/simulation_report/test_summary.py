from pathlib import Path

import pytest

from aloft.kit.errors import InvalidArgument
from aloft.simulation.report.reading import read
from aloft.simulation.report.summary import Summary, summarise
from tests.unit.simulation_report.left import ARMS, leave

ARM = "mge<kmeans"


def summary(out: Path, *against: str) -> Summary:
    return summarise(read(leave(out)), against)


def mean(found: Summary, measure: str, metric: str, against: str = "", arm: str = ARM) -> float:
    one = found.of(arm, measure, metric, against)
    assert one is not None, f"nothing is said of {measure} {metric} against {against!r}"
    return one.mean


def test_scores_are_means_over_seeds(tmp_path: Path) -> None:
    found = summary(tmp_path)
    assert mean(found, "final", "map_macro") == pytest.approx((0.8 + 0.4) / 2)
    assert mean(found, "area", "map_macro") == pytest.approx(((0.55 + 0.75) / 2 + (0.4 + 0.45) / 2) / 2)
    assert mean(found, "area", "map_rare") == pytest.approx(mean(found, "area", "map_macro") / 2)


def test_differences_are_paired_by_seed(tmp_path: Path) -> None:
    found = summary(tmp_path)
    one = found.of(ARM, "final", "map_macro", "random")
    assert one is not None
    # Differences of 0.2 and −0.1: mean 0.05, s / √2 = 0.15, t(1) = 12.7062.
    assert one.mean == pytest.approx(0.05)
    assert one.high == pytest.approx(0.05 + 0.15 * 12.7062, abs=1e-4)
    assert one.interval == "paired t"
    assert found.of("random", "final", "map_macro", "random") is None, "an arm differs from itself"


def test_an_arm_has_to_reach_what_the_other_ends_with_under_the_same_seed(tmp_path: Path) -> None:
    found = summary(tmp_path)
    # Seed 0 comes to 0.6 at 40 + 40 · 2/3 labels; seed 1 comes to 0.5 at 80. The budget is 120.
    taken = (40 + 80 / 3 + 80) / 2
    assert mean(found, "labels_to_reach", "map_macro", "random") == pytest.approx(taken)
    assert mean(found, "saved_percent", "map_macro", "random") == pytest.approx(100 * (1 - taken / 120))
    # With one score for all, 0.55: seed 0 at 40 + 40 / 2 labels, seed 1 never.
    assert mean(found, "saved_percent_common", "map_macro", "random") == pytest.approx(
        100 * (1 - (60 + 120) / 2 / 120)
    )


def test_the_interval_of_what_is_saved_lies_within_the_seeds(tmp_path: Path) -> None:
    one = summary(tmp_path).of(ARM, "saved_percent", "map_macro", "random")
    assert one is not None
    # Two seeds are drawn twice alike in half of all draws, so the ends are the seeds' own.
    assert one.low == pytest.approx(100 * (1 - 80 / 120))
    assert one.high == pytest.approx(100 * (1 - (40 + 80 / 3) / 120))
    assert one.interval == "bootstrap"


def test_random_saves_nothing_against_itself(tmp_path: Path) -> None:
    assert mean(summary(tmp_path), "saved_percent", "map_macro", "random", arm="random") == 0.0


def test_any_other_arm_can_be_compared_with(tmp_path: Path) -> None:
    found = summary(tmp_path, ARM)
    assert found.against == ("random", ARM)
    assert mean(found, "final", "map_macro", ARM, arm="random") == pytest.approx(-0.05)


def test_an_arm_to_compare_with_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidArgument, match="no arm 'kcenter' came to the end: name one of random, mge<kmeans"
    ):
        summary(tmp_path, "kcenter")


def test_what_was_labelled_is_counted(tmp_path: Path) -> None:
    found = summary(tmp_path)
    assert found.positives[ARM, "scarce"] == 12
    assert found.positives["random", "scarce"] == 6
    assert mean(found, "labelled", "rare", "random") == 6


def test_seconds_are_of_all_rounds_of_a_seed(tmp_path: Path) -> None:
    assert summary(tmp_path).seconds[ARM, "learn"] == pytest.approx(0.5 + 1.5 + 2.5)


def test_an_arm_that_has_not_come_to_the_end_is_left_out_and_named(tmp_path: Path) -> None:
    arms = {**ARMS, ARM: {0: (0.4, 0.7, 0.8), 1: (0.3, 0.5)}, "kcenter": {0: (0.4,)}}
    found = summarise(read(leave(tmp_path, arms)))
    assert found.runs.strategies == ("random", ARM)
    assert found.runs.left_out == (
        "kcenter, seed 0: 1 of 3 rounds, 40 of 120 labels",
        "mge<kmeans, seed 1: 2 of 3 rounds, 80 of 120 labels",
    )
    one = found.of(ARM, "final", "map_macro", "random")
    assert one is not None
    assert one.mean == pytest.approx(0.2), "more than the common seed counts"
    assert (one.seeds, one.low) == (1, None)


def test_arms_in_which_nothing_is_drawn_are_named(tmp_path: Path) -> None:
    arms = {
        "random": ARMS["random"],
        "herding": dict.fromkeys((0, 1), (0.4, 0.7, 0.8)),
        ARM: {0: (0.1, 0.2, 0.3)},
    }
    assert summarise(read(leave(tmp_path, arms))).runs.alike == ("herding",)


def test_without_random_nothing_is_compared(tmp_path: Path) -> None:
    found = summarise(read(leave(tmp_path, {ARM: ARMS[ARM]})))
    assert found.against == ()
    assert mean(found, "final", "map_macro") == pytest.approx(0.6)


def test_a_round_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    results = leave(tmp_path) / "results.csv"
    results.write_text(results.read_text() + "random,0,0,40,map_macro,,0.3\n")
    with pytest.raises(InvalidArgument, match="random, seed 0, round 0 has map_macro twice"):
        summarise(read(tmp_path))


def test_a_round_with_two_numbers_of_labels_is_refused(tmp_path: Path) -> None:
    results = leave(tmp_path) / "results.csv"
    results.write_text(results.read_text() + "random,0,0,41,f1_macro,,0.3\n")
    with pytest.raises(InvalidArgument, match="random, seed 0, round 0 has both 40 and 41 labels"):
        summarise(read(tmp_path))


def test_results_without_any_score_are_refused(tmp_path: Path) -> None:
    results = leave(tmp_path) / "results.csv"
    kept = [line for line in results.read_text().splitlines() if ",map_" not in line]
    results.write_text("\n".join(kept) + "\n")
    with pytest.raises(InvalidArgument, match="has no score of all labels"):
        summarise(read(tmp_path))


def test_a_metric_that_a_round_lacks_is_named(tmp_path: Path) -> None:
    results = leave(tmp_path) / "results.csv"
    results.write_text(results.read_text() + "random,0,0,40,f1_macro,,0.3\n")
    with pytest.raises(InvalidArgument, match="random, seed 0 has no f1_macro in round 1"):
        summarise(read(tmp_path))
