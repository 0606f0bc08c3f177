from dataclasses import replace

from aloft.embedding.domain import Model, Pool, Standing, Work

MODEL = Model(2, "tiny", "k", "d", "b", 32)
POOL = Pool(2, 5, "k", "d", 8)
COVERED = Standing(10, 2, 0, MODEL, POOL, None)


def test_a_covered_pool_waits_for_nothing() -> None:
    assert COVERED.waiting_for() == ""


def test_a_pool_under_an_older_version_waits_for_the_newest() -> None:
    older = replace(COVERED, pool=replace(POOL, version=1))
    assert older.waiting_for() == "the features of 0 images under version 2: no job is queued for them"


def test_a_job_at_work_says_how_far_it_is() -> None:
    at_work = replace(COVERED, missing=3, work=Work(True, "", 0, 0, "an earlier error"))
    assert at_work.waiting_for() == "the features of 3 images under version 2: starting, 0 of 0 done"


def test_a_job_that_failed_says_why() -> None:
    failed = replace(
        COVERED, missing=3, work=Work(False, "embedding", 0, 0, "OBJECT_STORE_UNAVAILABLE: away")
    )
    assert failed.waiting_for().endswith("the last attempt failed: OBJECT_STORE_UNAVAILABLE: away")
