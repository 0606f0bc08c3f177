from dataclasses import replace

import pytest

from aloft.embedding.domain import Model, Pool, Promoted, Standing, Work
from aloft.embedding.explaining import cause
from aloft.kit.explaining import Kind

MODEL = Model(2, "tiny", "campaigns/c/models/2/weights.safetensors", "d", "b", 32)
POOL = Pool(2, 5, "k", "d", 8, 400)
COVERED = Standing(100, 10, 2, 0, 0, Promoted(MODEL, 200, "", 0), POOL, None)


def test_a_covered_pool_waits_for_nothing() -> None:
    said = cause(COVERED)
    assert (said.kind, said.code, said.since_us) == (Kind.IDLE, "POOL_EMBEDDED", 400)
    assert said.waits_for == "nothing: 8 images are embedded under version 2"


def test_a_pool_under_an_older_version_waits_for_the_newest() -> None:
    said = cause(replace(COVERED, pool=replace(POOL, version=1)))
    assert said.kind is Kind.STUCK
    assert said.waits_for == "the manifest of the pool under version 2: no job is queued for it"
    assert said.remedy, "whoever is stuck is told what to do"


def test_features_without_logits_are_waited_for() -> None:
    said = cause(replace(COVERED, unscored=7, work=Work(True, 300, "logits", 4, 7, "")))
    assert said.waits_for == "the logits of 7 images under version 2: logits, 4 of 7 done"
    assert (said.kind, said.code, said.since_us) == (Kind.WORKING, "EMBEDDING", 300)


def test_a_job_at_work_says_how_far_it_is() -> None:
    at_work = replace(COVERED, missing=3, work=Work(True, 300, "", 0, 0, "an earlier error"))
    assert cause(at_work).waits_for == "the features of 3 images under version 2: starting, 0 of 0 done"


def test_a_job_that_failed_says_why() -> None:
    work = Work(False, 300, "embedding", 0, 0, "OBJECT_STORE_UNAVAILABLE: away")
    said = cause(replace(COVERED, missing=3, work=work))
    assert said.waits_for.endswith("the last attempt failed: OBJECT_STORE_UNAVAILABLE: away")


@pytest.mark.parametrize(
    ("change", "kind", "code", "since"),
    [
        ({"promoted": None}, Kind.WAITING, "VERSION_AWAITED", 100),
        ({"registered": 0, "quarantined": 0}, Kind.WAITING, "IMAGES_AWAITED", 100),
        ({"quarantined": 10}, Kind.STUCK, "IMAGES_UNUSABLE", 200),
        ({"promoted": Promoted(MODEL, 200, "its SHA-256 is 12", 250)}, Kind.STUCK, "ARTEFACT_UNUSABLE", 250),
    ],
)
def test_each_cause_has_a_code_and_a_time(
    change: dict[str, object], kind: Kind, code: str, since: int
) -> None:
    said = cause(replace(COVERED, **change))  # type: ignore[arg-type]
    assert (said.kind, said.code, said.since_us) == (kind, code, since)


def test_an_artefact_that_cannot_be_used_is_named_with_its_remedy() -> None:
    said = cause(replace(COVERED, promoted=Promoted(MODEL, 200, "its SHA-256 is 12", 250)))
    assert said.waits_for == "an artefact that can be used: its SHA-256 is 12"
    assert MODEL.artefact_key in said.remedy
