"""What `aloft campaign watch` shows: how far things are, when they end, a line only where there is news."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from aloft.api.embedding.v1.embedding_service_pb2 import Pool
from aloft.api.labels.v1.batch_service_pb2 import Batch
from aloft.api.labels.v1.campaign_pb2 import Campaign
from aloft.api.labels.v1.campaign_service_pb2 import CampaignProgress
from aloft.api.trainer.v1.trainer_service_pb2 import Model, Run
from aloft.cli.connection import PORTS
from aloft.cli.lines import as_dict, line, news
from aloft.cli.picture import picture
from aloft.cli.reasons import Reason, Standing, age, duration, verdict
from aloft.cli.snapshot import Labels, Snapshot, Training
from aloft.cli.under_way import under_way

BEGAN = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
VENDORS = Reason("label-store", Standing.WAITING, "VENDORS", "vendors", BEGAN)
IDLE = Reason("trainer", Standing.IDLE, "IDLE", "nothing")
STUCK = Reason("embedding", Standing.STUCK, "DEAD_EVENT", "an [event]", BEGAN, "aloft redrive embedding")


def at_the_beginning() -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(BEGAN)
    return stamp


def labels(done: int = 10, state: "Campaign.State.ValueType" = Campaign.STATE_RUNNING) -> Labels:
    campaign = Campaign(state=state)
    campaign.budget.images = 400
    batch = Batch(
        name="campaigns/c/batches/5",
        accepted_images=40,
        labelled_images=done,
        create_time=at_the_beginning(),
    )
    return Labels(campaign, CampaignProgress(labelled_images=160 + done, leased_tasks=3, score=0.512), batch)


def seen(minutes: float = 5, *reasons: Reason, **parts: Any) -> Snapshot:
    found = reasons or (VENDORS, IDLE)
    return Snapshot("c", BEGAN + timedelta(minutes=minutes), found, **parts, verdict=verdict(found)[1])


def drawn(what: Snapshot, width: int = 160, height: int = 50) -> str:
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(picture(what))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_batch_says_how_long_the_rest_takes_at_its_pace() -> None:
    (batch,) = under_way(seen(labels=labels(done=10)))
    assert batch.said == "10 of 40 labelled, 3 tasks leased, about 15 min left"
    assert batch.part == 0.25


@pytest.mark.parametrize("done", [0, 40])
def test_without_a_pace_or_a_rest_no_time_is_named(done: int) -> None:
    (batch,) = under_way(seen(labels=labels(done=done)))
    assert "left" not in batch.said


def test_a_run_and_the_pool_are_under_way_too() -> None:
    run = Run(name="campaigns/c/runs/6", stage="fine-tuning", progress=0.5, create_time=at_the_beginning())
    pool = Pool(registered_images=100, quarantined_images=2, embedded_images=49, model_version=6)
    found = under_way(seen(1, training=Training([], run), pool=pool))
    assert [one.said for one in found] == [
        "fine-tuning 50%, about 60 s left",
        "49 of 98 images under version 6",
    ]


def test_an_embedded_pool_is_no_longer_under_way() -> None:
    pool = Pool(registered_images=100, quarantined_images=2, embedded_images=98, model_version=6)
    assert under_way(seen(pool=pool)) == []


def test_the_screen_shows_state_score_reasons_and_the_curve() -> None:
    models = [
        Model(version=1, base=True, promoted=True),
        Model(version=2, label_revision=40, score=0.4, promoted=True),
        Model(version=3, label_revision=80, score=0.31, gate_failure="0.31 is below 0.35"),
    ]
    shown = drawn(seen(5, STUCK, VENDORS, labels=labels(), training=Training(models, None)))
    assert "c  running  170 of 400 labelled  score 0.512" in shown
    assert "Stuck: embedding waits for an [event]." in shown, "what a service says is no markup"
    assert "aloft redrive embedding" in shown
    assert "base version" in shown
    assert "not promoted: 0.31 is below 0.35" in shown


def test_the_screen_says_which_service_is_away() -> None:
    away = Reason("label-store", Standing.UNREACHABLE, "UNREACHABLE", "connection refused")
    shown = drawn(seen(5, away, IDLE))
    assert "the label store cannot be reached" in shown


def test_small_steps_are_no_news_and_larger_ones_are() -> None:
    def after(done: int) -> tuple[object, ...]:
        return news(seen(labels=labels(done)))

    assert after(9) == after(11), "a label more is no news"
    assert after(9) != after(12), "a tenth of the batch is"
    assert news(seen(5, VENDORS)) != news(seen(5, STUCK)), "another reason is"


def test_a_line_says_the_same_in_short() -> None:
    models = [Model(version=2, score=0.4)]
    said = line(seen(labels=labels(), training=Training(models, None)))
    assert said == (
        "03:05:00 c; running; 170 labelled; batch 5: 10 of 40 labelled, 3 tasks leased, about 15 min left;"
        " version 2, score 0.400. Waiting: label-store waits for vendors."
    )


def test_a_script_gets_all_of_it() -> None:
    said = as_dict(seen(labels=labels(), training=Training([Model(version=1, base=True)], None)))
    assert (said["state"], said["labelled_images"]) == ("running", 170)
    assert said["under_way"][0]["what"] == "batch 5"
    assert said["versions"] == [{"version": 1, "label_revision": 0, "score": None, "promoted": False}]
    assert said["reasons"][0]["since"] == "2026-01-02T03:00:00Z"


def test_only_a_stopped_campaign_with_nothing_to_do_is_at_rest() -> None:
    stopped = labels(state=Campaign.STATE_STOPPED)
    assert seen(5, IDLE, labels=stopped).at_rest
    assert seen(5, IDLE, STUCK, labels=stopped).at_rest, "what is stuck does not come to rest by waiting"
    assert not seen(5, VENDORS, labels=stopped).at_rest, "something is still to come"
    assert not seen(5, IDLE, labels=labels()).at_rest
    assert not seen(5, IDLE).at_rest, "nobody knows while the label store is away"


def test_times_are_told_in_the_largest_unit_that_fits() -> None:
    assert [duration(seconds) for seconds in (0, 119, 120, 7_200, 172_800)] == [
        "0 s",
        "119 s",
        "2 min",
        "2 h",
        "2 d",
    ]
    assert age(BEGAN, BEGAN - timedelta(seconds=3)) == "0 s", "clocks that differ make no negative age"
    assert age(None, BEGAN) == ""


def test_the_newest_versions_are_seen_on_a_small_terminal() -> None:
    models = [Model(version=number, score=0.5, promoted=True) for number in range(1, 31)]
    long = Reason("embedding", Standing.STUCK, "DEAD_EVENT", "an event " * 40, BEGAN, "aloft redrive " * 30)
    for reasons in ((VENDORS, IDLE), (long, long, VENDORS, IDLE)):
        what = seen(5, *reasons, labels=labels(), training=Training(models, None))
        rows = [line.split() for line in drawn(what, width=80, height=24).splitlines()[:24]]
        shown = [int(row[0]) for row in rows if row and row[-1] == "promoted"]
        assert 3 <= len(shown) <= 10
        assert shown == list(range(30, 30 - len(shown), -1)), "the newest are not the first"


def test_what_services_wait_for_is_seen_below_the_versions_where_both_fit() -> None:
    models = [Model(version=number, score=0.5, promoted=True) for number in range(1, 31)]
    waiting = [Reason(service, Standing.WAITING, "X", "vendors", BEGAN) for service in PORTS]
    what = seen(5, *waiting, labels=labels(), training=Training(models, None))
    shown = drawn(what, width=80, height=20).splitlines()
    assert len(shown) <= 20
    assert {line.split()[0] for line in shown[-4:]} == set(PORTS)
