"""Splits that every listing draws alike, and verdicts that fit the taxonomy."""

from collections import Counter

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


def said(*pairs: tuple[str, int]) -> list[pb.LabelVerdict]:
    return [pb.LabelVerdict(label=label, verdict=pb.Verdict.ValueType(verdict)) for label, verdict in pairs]


def test_labels_that_are_not_named_are_negative_and_the_rest_is_in_the_taxonomys_order() -> None:
    kept = verdicts.said(
        said(("road", pb.VERDICT_UNSURE), ("forest", pb.VERDICT_NEGATIVE), ("water", pb.VERDICT_POSITIVE)),
        LABELS,
    )
    assert list(kept.items()) == [("water", pb.VERDICT_POSITIVE), ("road", pb.VERDICT_UNSURE)]
    assert verdicts.consensus([kept]) == kept


def test_every_verdict_that_does_not_fit_is_named_by_its_place() -> None:
    wrong = said(("ocean", pb.VERDICT_POSITIVE), ("road", pb.VERDICT_POSITIVE), ("road", 0), ("water", 9))
    fields = [violation.field for violation in verdicts.violations_of(wrong, LABELS, "verdicts")]
    assert fields == ["verdicts[0].label", "verdicts[2].label", "verdicts[2].verdict", "verdicts[3].verdict"]
