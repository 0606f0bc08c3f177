"""Splits that are drawn alike every time, verdicts that fit the taxonomy, and what annotators agree on."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.ids import image_id
from aloft.label_store.domain import splits, verdicts

IDS = [image_id(f"image {number}") for number in range(4000)]
LABELS = ("water", "forest", "road")


def test_the_fractions_are_kept_within_chance() -> None:
    drawn = Counter(splits.draw(one, 0.1, 0.2) for one in IDS)
    assert 340 < drawn[pb.SPLIT_VALIDATION] < 460
    assert 720 < drawn[pb.SPLIT_TEST] < 880


def test_no_fraction_holds_nothing_out_and_a_whole_one_all() -> None:
    assert {splits.draw(one, 0, 0) for one in IDS} == {pb.SPLIT_POOL}
    assert {splits.draw(one, 1, 0) for one in IDS} == {pb.SPLIT_VALIDATION}
    assert {splits.draw(one, 0, 1) for one in IDS} == {pb.SPLIT_TEST}


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 0.5))
def test_one_fraction_moves_nobody_of_the_other_split(test: float, first: float, second: float) -> None:
    some = IDS[:200]
    before = {one for one in some if splits.draw(one, first, test) == pb.SPLIT_TEST}
    after = {one for one in some if splits.draw(one, second, test) == pb.SPLIT_TEST}
    assert before == after


def test_fractions_that_make_no_sense_are_named() -> None:
    fields = [violation.field for violation in splits.violations_of(-0.1, 1.5, "listing")]
    assert fields == ["listing.validation_fraction", "listing.test_fraction", "listing.validation_fraction"]


def test_what_is_held_out_is_drawn_by_the_seed_and_not_by_the_order() -> None:
    drawn = splits.draw_evaluation(IDS, 7, 100)
    assert len(set(drawn)) == 100
    assert splits.draw_evaluation(reversed(IDS), 7, 100) == drawn
    assert splits.draw_evaluation(IDS, 8, 100) != drawn
    assert splits.draw_evaluation(IDS, 7, 50) == drawn[:50]


def said(*pairs: tuple[str, int]) -> list[pb.LabelVerdict]:
    return [pb.LabelVerdict(label=label, verdict=pb.Verdict.ValueType(verdict)) for label, verdict in pairs]


def test_labels_that_are_not_named_are_negative_and_the_rest_is_in_the_taxonomys_order() -> None:
    kept = verdicts.said(
        said(("road", pb.VERDICT_UNSURE), ("forest", pb.VERDICT_NEGATIVE), ("water", pb.VERDICT_POSITIVE)),
        LABELS,
    )
    assert list(kept.items()) == [("water", pb.VERDICT_POSITIVE), ("road", pb.VERDICT_UNSURE)]
    assert verdicts.consensus([kept], LABELS) == kept


def test_every_verdict_that_does_not_fit_is_named_by_its_place() -> None:
    wrong = said(("ocean", pb.VERDICT_POSITIVE), ("road", pb.VERDICT_POSITIVE), ("road", 0), ("water", 9))
    fields = [violation.field for violation in verdicts.violations_of(wrong, LABELS, "verdicts")]
    assert fields == ["verdicts[0].label", "verdicts[2].label", "verdicts[2].verdict", "verdicts[3].verdict"]


P, N, U = int(pb.VERDICT_POSITIVE), int(pb.VERDICT_NEGATIVE), int(pb.VERDICT_UNSURE)


@pytest.mark.parametrize(
    ("votes", "agreed"),
    [
        ([P], P),
        ([N], N),
        ([U], U),
        ([P, N], U),
        ([P, P, N], P),
        ([P, N, N], N),
        ([P, N, U], U),
        ([P, P, U, U], U),
        ([P, P, N, U], P),
        ([P, P, N, N, U], U),
        ([N, N, N, P, P], N),
    ],
)
def test_the_verdict_that_most_annotators_gave_is_the_consensus(votes: list[int], agreed: int) -> None:
    said = [{"road": vote} if vote != N else {} for vote in votes]
    assert verdicts.consensus(said, LABELS).get("road", N) == agreed


SAID = st.dictionaries(st.sampled_from(LABELS), st.sampled_from([P, U]))


@given(st.lists(SAID, min_size=1, max_size=9), st.randoms())
def test_a_consensus_depends_on_no_order_and_is_what_a_majority_says(
    annotations: list[verdicts.Verdicts], chance: Random
) -> None:
    agreed = verdicts.consensus(annotations, LABELS)
    shuffled = chance.sample(annotations, len(annotations))
    assert verdicts.consensus(shuffled, LABELS) == agreed
    assert list(agreed) == [label for label in LABELS if label in agreed], "not in the taxonomy's order"
    for label in LABELS:
        counted = Counter(annotation.get(label, N) for annotation in annotations)
        for verdict, times in counted.items():
            if 2 * times > len(annotations):
                assert agreed.get(label, N) == verdict
    assert verdicts.consensus(annotations + annotations, LABELS) == agreed


@pytest.mark.parametrize(
    ("cells", "label_set"),
    [
        (("", "", ""), None),
        ((" ", "", ""), None),
        (("0", "", ""), {}),
        (("1", "0", "?"), {"water": P, "road": U}),
        (("", "1 ", ""), {"forest": P}),
    ],
)
def test_a_row_of_a_manifest_with_anything_in_it_is_a_label_set(
    cells: tuple[str, ...], label_set: verdicts.Verdicts | None
) -> None:
    assert verdicts.read_cells(dict(zip(LABELS, cells, strict=True))) == label_set


@pytest.mark.parametrize("cell", ["yes", "2", "1.0", "-"])
def test_a_cell_that_says_nothing_known_is_named(cell: str) -> None:
    with pytest.raises(ValueError, match="forest is 1, 0"):
        verdicts.read_cells({"water": "1", "forest": cell})
