from itertools import pairwise

import pytest

from aloft import strategies
from aloft.strategies import Standing, auto, in_force
from aloft.strategies.entry import Entry, Kind

BASE, HEADED = Standing(base=True), Standing(base=False, learned=80, batch_size=40)


@pytest.mark.parametrize(
    ("expression", "start"),
    [
        ("mge+kmeans", "centroids"),
        ("class_balanced(margin)", "centroids"),
        ("bald+kmeans(h=9)", "centroids"),
        ("badge", "centroids"),
        ("entropy+herding", "herding"),
        ("max(entropy)+kcenter", "kcenter"),
        ("random_balanced", "random"),
    ],
)
def test_what_needs_a_head_starts_by_coverage_under_a_base_version(expression: str, start: str) -> None:
    assert in_force(expression, BASE) == start
    assert in_force(expression, HEADED) == expression


@pytest.mark.parametrize("expression", ["centroids", "random", "typiclust", "kcenter", "herding"])
def test_what_needs_no_head_is_itself_under_any_version(expression: str) -> None:
    assert in_force(expression, BASE) == in_force(expression, HEADED) == expression


@pytest.mark.parametrize("entry", strategies.entries(), ids=lambda one: f"{one.kind}-{one.name}")
def test_nothing_reads_under_a_base_version_what_it_has_not(entry: Entry) -> None:
    written = {
        Kind.DIVERSITY: f"mge+{entry.name}",
        Kind.WRAPPER: f"{entry.name}({'mge' if entry.name == 'class_balanced' else 'entropy'})",
    }.get(entry.kind, entry.name)
    assert not strategies.needs(in_force(written, BASE)).head


def test_the_meaning_is_in_the_canonical_spelling() -> None:
    assert in_force(" mean( entropy ) + kmeans( h = 4 )", HEADED) == "entropy+kmeans"


@pytest.mark.parametrize("standing", [BASE, Standing(False, 1, 40), Standing(False, 10**6, 40)])
def test_auto_means_what_its_rule_says_and_that_is_one_concrete_strategy(standing: Standing) -> None:
    meant = in_force("auto", standing)
    assert meant == in_force(auto.rule(standing), standing)
    assert "auto" not in meant
    strategies.load(meant)


POOLS = pytest.mark.parametrize("images", [0, 300, 2_000, 20_000, 10**6])


@POOLS
def test_auto_goes_from_coverage_to_uncertainty_once_and_not_back(images: int) -> None:
    learned = [in_force("auto", Standing(False, count, 40, images)) for count in range(0, 40 * 50, 10)]
    changes = [there for there, here in pairwise(learned) if there != here]
    assert len(changes) == len(set(changes)), f"it went back: {changes}"
    assert strategies.needs(learned[-1]).head, "it never follows uncertainty"
    assert not strategies.needs(in_force("auto", BASE)).head


@POOLS
def test_the_needs_of_auto_are_all_that_it_may_come_to_read(images: int) -> None:
    meant = {in_force("auto", Standing(False, count, 40, images)) for count in range(0, 40 * 50, 10)}
    together = strategies.needs(in_force("auto", BASE))
    for one in meant:
        together |= strategies.needs(one)
    assert strategies.needs("auto") | together == strategies.needs("auto")


@pytest.mark.parametrize(
    ("images", "early", "late"),
    [
        (1_134, "class_balanced(margin)+kcenter", "class_balanced(margin)+herding"),
        (2_000, "class_balanced(margin)+kcenter(h=8)", "class_balanced(margin)+herding"),
        (2_001, "class_balanced(margin)+kcenter(h=8)", "class_balanced(margin)+kcenter(h=8)"),
        (18_000, "class_balanced(margin)+kcenter(h=64)", "class_balanced(margin)+kcenter(h=64)"),
        (10**7, "class_balanced(margin)+kcenter(h=64)", "class_balanced(margin)+kcenter(h=64)"),
    ],
)
def test_auto_looks_at_more_candidates_in_a_larger_pool(images: int, early: str, late: str) -> None:
    assert in_force("auto", Standing(False, 119, 40, images)) == early
    assert in_force("auto", Standing(False, 120, 40, images)) == late


def test_auto_itself_is_never_loaded() -> None:
    with pytest.raises(ValueError, match="auto means another strategy under each version"):
        strategies.load("auto")


def test_the_default_is_known_and_starts_without_a_head() -> None:
    assert strategies.check(strategies.DEFAULT) == strategies.DEFAULT
    assert not strategies.needs(in_force(strategies.DEFAULT, BASE)).head
