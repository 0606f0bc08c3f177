import io
import json

from aloft.demo.journal import Journalled
from aloft.demo.simulated import SimulatedVendor
from aloft.demo.truth import Truth
from tests.unit.demo.labelling import FakeLabelling, digest, files


def test_the_journal_holds_what_was_acknowledged_and_nothing_before_it_was() -> None:
    store, lines = FakeLabelling(files(2)), io.StringIO()
    truth = Truth(("water",), {digest(store.images["t0"]): ["water"], digest(store.images["t1"]): []})
    vendor = SimulatedVendor(Journalled(store, lines), truth, store.fetch, "c")
    vendor._take()
    store.lose_next_answer = True
    vendor.step()
    assert store.annotations == {"t0": ["water"], "t1": []}, "the submission has not arrived"
    assert lines.getvalue() == "", "a submission whose answer was lost is in the journal"
    vendor.step()
    said = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {one["task"]: one["positive"] for one in said} == {
        "campaigns/c/tasks/t0": ["water"],
        "campaigns/c/tasks/t1": [],
    }
    assert len({one["request_id"] for one in said}) == 1
