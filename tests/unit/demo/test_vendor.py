import pytest

from aloft.demo.simulated import SimulatedVendor, UrlGone
from aloft.demo.truth import Truth
from aloft.kit.errors import NotFound, Unavailable
from tests.unit.demo.labelling import FakeLabelling, digest, files


@pytest.fixture
def store() -> FakeLabelling:
    return FakeLabelling(files(5))


def truth_of(store: FakeLabelling) -> Truth:
    return Truth(
        ("water", "fields"),
        {digest(data): ["water"] if number % 2 else [] for number, data in enumerate(store.images.values())},
    )


def vendor_of(store: FakeLabelling, max_tasks: int = 2) -> SimulatedVendor:
    return SimulatedVendor(store, truth_of(store), store.fetch, "c", max_tasks=max_tasks)


EXPECTED = {"t0": [], "t1": ["water"], "t2": [], "t3": ["water"], "t4": []}


def test_it_labels_a_handful_of_tasks_at_a_time_until_there_are_none(store: FakeLabelling) -> None:
    vendor = vendor_of(store)
    assert [vendor.step() for _ in range(4)] == [2, 2, 1, 0]
    assert store.annotations == EXPECTED
    assert vendor.labelled == 5


@pytest.mark.parametrize("call", range(8))
def test_an_answer_that_is_lost_is_asked_for_again_and_counts_once(store: FakeLabelling, call: int) -> None:
    vendor = vendor_of(store)
    steps = 0
    while len(store.annotations) < 5:
        store.lose_next_answer = len(store.calls) == call
        vendor.step()
        steps += 1
        assert steps < 12, f"nothing moves any more after {store.calls}"
    vendor.step()
    assert store.annotations == EXPECTED
    assert vendor.labelled == 5


def test_one_expired_lease_costs_that_task_alone_and_it_is_leased_again(store: FakeLabelling) -> None:
    vendor = vendor_of(store, max_tasks=3)
    fetch = store.fetch

    def expiring(url: str) -> bytes:
        if url.endswith("t2"):
            del store.leases["t1"]
            store.free.insert(0, "t1")
            vendor._fetch = fetch
        return fetch(url)

    vendor._fetch = expiring
    assert vendor.step() == 2
    assert vendor.expired == 1
    while vendor.step():
        pass
    assert store.annotations == EXPECTED


def test_a_url_that_is_gone_costs_its_task_alone(store: FakeLabelling) -> None:
    vendor = vendor_of(store, max_tasks=5)

    def gone(url: str) -> bytes:
        if url.endswith("t3"):
            raise UrlGone("HTTP 403")
        return store.fetch(url)

    vendor._fetch = gone
    assert vendor.step() == 4
    assert vendor.expired == 1
    assert "t3" not in store.annotations


def test_a_download_that_fails_goes_on_where_it_stopped(store: FakeLabelling) -> None:
    vendor = vendor_of(store, max_tasks=5)
    failures = ["t2", "t4"]

    def failing(url: str) -> bytes:
        if failures and url.endswith(failures[0]):
            failures.pop(0)
            raise Unavailable("DOWNLOAD_FAILED", "the connection broke")
        return store.fetch(url)

    vendor._fetch = failing
    assert [vendor.step() for _ in range(3)] == [0, 0, 5]
    assert store.calls == ["lease", "submit"]


def test_an_image_that_nobody_knows_is_skipped(store: FakeLabelling) -> None:
    vendor = vendor_of(store, max_tasks=5)
    store.images["t1"] = b"something else"
    assert vendor.step() == 4
    assert store.skipped == ["t1"]
    assert vendor.skipped == 1


@pytest.mark.parametrize("call", range(8))
def test_killed_after_any_call_another_one_goes_on_and_nothing_is_lost_or_doubled(
    store: FakeLabelling, call: int
) -> None:
    class Killed(BaseException):
        pass

    def killing(store: FakeLabelling) -> None:
        once = store._once

        def dying(method: str, request: str, effect: object) -> object:
            answer = once(method, request, effect)  # type: ignore[arg-type, var-annotated]
            if len(store.calls) == call + 1:
                raise Killed
            return answer

        store._once = dying  # type: ignore[method-assign, assignment]

    killing(store)
    vendor = vendor_of(store)
    for _ in range(8):
        try:
            vendor.step()
        except Killed:
            store.expire()
            vendor = vendor_of(store)
    assert store.annotations == EXPECTED


def test_a_refusal_is_not_tried_for_ever(store: FakeLabelling) -> None:
    vendor = vendor_of(store)

    class Refusing(FakeLabelling):
        def _lease(self, request: object) -> object:  # type: ignore[override]
            raise NotFound("CAMPAIGN_NOT_FOUND", "campaigns/c does not exist")

    vendor = vendor_of(Refusing(store.images))
    with pytest.raises(NotFound):
        vendor.step()
