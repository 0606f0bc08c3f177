"""What a demonstration says at its end, from what the API answered."""

import io

import pytest
from rich.console import Console

from aloft.api.labels.v1.batch_service_pb2 import Batch
from aloft.api.labels.v1.campaign_pb2 import VERDICT_NEGATIVE, VERDICT_POSITIVE, LabelVerdict
from aloft.api.labels.v1.image_service_pb2 import Image
from aloft.demo.closing import as_dict, page
from aloft.demo.outcome import Outcome, balance, batch_outcomes, shown_by, whys
from aloft.demo.plan import Plan

POOL = {"trees": 6, "pools": 1, "ships": 0}


def batch(number: int, labelled: int, opened: int, closed: int) -> Batch:
    made = Batch(
        name=f"campaigns/demo/batches/{number}",
        strategy="centroids",
        model_version=1,
        ranking="campaigns/demo/rankings/1-a",
        labelled_images=labelled,
        close_reason="COMPLETE",
    )
    made.create_time.FromSeconds(opened)
    made.close_time.FromSeconds(closed)
    return made


def image(name: str, revision: int, *labels: str) -> Image:
    made = Image(name=f"campaigns/demo/images/{name}")
    if revision:
        made.label_set.version, made.label_set.label_revision = 1, revision
    for label in POOL:
        verdict = VERDICT_POSITIVE if label in labels else VERDICT_NEGATIVE
        made.label_set.verdicts.append(LabelVerdict(label=label, verdict=verdict))
    return made


IMAGES = [image("c", 3, "trees", "pools"), image("a", 1, "trees"), image("b", 2), image("d", 0)]
BATCHES = [batch(2, 1, 15, 18), batch(1, 2, 10, 12)]


def outcome() -> Outcome:
    batches = batch_outcomes(BATCHES, IMAGES)
    shown = {one.name.rsplit("/", 1)[1]: shown_by(one) for one in IMAGES}
    return Outcome(
        batches,
        balance(batches, POOL, 8),
        whys(batches, shown, {"campaigns/demo/rankings/1-a": 8}),
        "BUDGET_IMAGES",
        9.5,
    )


def test_images_belong_to_the_batch_in_whose_turn_they_were_labelled() -> None:
    assert [list(one.images) for one in outcome().batches] == [["a", "b"], ["c"]]


def test_a_batch_tells_what_it_brought_and_how_long_the_next_took_to_come() -> None:
    first, last = outcome().batches
    assert (first.open_s, first.next_s, dict(first.brought)) == (2.0, 3.0, {"trees": 1})
    assert last.next_s is None, "nothing comes after the last batch"


def test_the_balance_begins_with_the_rarest_label_and_compares_shares() -> None:
    shares = outcome().balance
    assert [share.label for share in shares] == ["ships", "pools", "trees"]
    assert shares[0].gain is None, "a label that the pool lacks has no ratio"
    assert shares[1].gain == pytest.approx((1 / 3) / (1 / 8))


def test_the_page_and_the_dictionary_hold_what_was_found() -> None:
    plan = Plan(images=8, batches=2, batch_size=2)
    console = Console(file=io.StringIO(), width=80)
    console.print(page(plan, outcome(), None))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for expected in ("BUDGET_IMAGES", "pools", "33.3%", "12.5%", "3.00 s", "aloft demo --strategy random"):
        assert expected in shown, f"the closing page lacks {expected!r}:\n{shown}"
    written = as_dict(plan, outcome())
    assert [one["next_selection_s"] for one in written["batches"]] == [3.0, None]
    assert written["balance"][1] == {
        "label": "pools",
        "labelled": 1,
        "labelled_share": 0.3333,
        "pool": 1,
        "pool_share": 0.125,
    }


def test_a_table_of_many_batches_still_fits_a_line() -> None:
    many = batch_outcomes([batch(number, 0, number, number) for number in range(1, 31)], [])
    console = Console(file=io.StringIO(), width=80)
    console.print(page(Plan(batches=30), Outcome(many, balance(many, POOL, 8), [], "", 1.0), None))
    assert isinstance(console.file, io.StringIO)
    assert "in the pool" in console.file.getvalue(), "the column of the pool is cut off"
