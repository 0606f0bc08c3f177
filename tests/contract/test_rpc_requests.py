"""`request_id` on both databases: one effect, however often and however fast a call is repeated."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import text

from aloft.api.labels.v1.labelling_service_pb2 import LeaseTasksRequest
from aloft.kit.database import Database, Transaction, migrate
from aloft.kit.errors import FailedPrecondition, InvalidArgument
from aloft.kit.rpc.call import Principal, Role
from aloft.kit.rpc.requests import RequestPruner, once, requests
from tests.contract.databases import place

ACME = Principal("vendors/acme", Role.VENDOR)
OTHER = Principal("vendors/other", Role.VENDOR)
METHOD = "/aloft.Test/Write"


@pytest.fixture
def database(admin_url: str | None, tmp_path: Path) -> Iterator[Database]:
    with place(tmp_path, admin_url) as made:
        opened = made.open()
        migrate(opened)
        with opened.transaction() as tx:
            tx.execute(text("CREATE TABLE effects (value TEXT NOT NULL)"))
        yield opened


def write(
    tx: Transaction, value: str, request_id: str, *, who: Principal = ACME, method: str = METHOD
) -> str:
    def do() -> StringValue:
        tx.execute(text("INSERT INTO effects VALUES (:value)"), {"value": value})
        count = tx.execute(text("SELECT COUNT(*) FROM effects")).scalar_one()
        return StringValue(value=f"{value} is number {count}")

    return once(tx, who, method, request_id, StringValue(value=value), StringValue, do).value


def effects(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(text("SELECT COUNT(*) FROM effects")).scalar_one())


def test_a_repeat_returns_the_first_outcome_and_does_nothing(database: Database) -> None:
    request_id = str(uuid.uuid4())
    answers = []
    for _ in range(3):
        with database.transaction() as tx:
            answers.append(write(tx, "a", request_id))
    assert answers == ["a is number 1"] * 3, "a repeat was answered otherwise"
    assert effects(database) == 1, "a repeat had an effect"


def test_a_request_id_with_another_payload_or_method_is_refused(database: Database) -> None:
    request_id = str(uuid.uuid4())
    with database.transaction() as tx:
        write(tx, "a", request_id)
    for value, method in (("b", METHOD), ("a", "/aloft.Test/Other")):
        with pytest.raises(FailedPrecondition) as refused, database.transaction() as tx:
            write(tx, value, request_id, method=method)
        assert refused.value.reason == "REQUEST_ID_REUSED", "the reason does not say what was wrong"
    assert effects(database) == 1, "a refused request had an effect"


def test_an_id_in_capitals_is_the_same_id(database: Database) -> None:
    spelt = str(uuid.uuid4())
    answers = iter("ab")

    def ask(request_id: str) -> str:
        request = LeaseTasksRequest(parent="campaigns/c", request_id=request_id)
        with database.transaction() as tx:
            return once(
                tx, ACME, METHOD, request_id, request, StringValue, lambda: StringValue(value=next(answers))
            ).value

    assert [ask(spelt), ask(spelt.upper())] == ["a", "a"]


def test_an_id_belongs_to_its_caller(database: Database) -> None:
    request_id = str(uuid.uuid4())
    for who in (ACME, OTHER):
        with database.transaction() as tx:
            write(tx, "a", request_id, who=who)
    assert effects(database) == 2, "one caller's id answered another's request"


def test_a_call_that_failed_may_be_repeated(database: Database) -> None:
    request_id = str(uuid.uuid4())
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        _fail_after(lambda: write(tx, "a", request_id))
    with database.transaction() as tx:
        assert write(tx, "a", request_id) == "a is number 1", "the failed call left something"


def _fail_after(work: Callable[[], object]) -> None:
    work()
    raise ZeroDivisionError


def test_repeats_at_the_same_time_have_one_effect(database: Database) -> None:
    request_id = str(uuid.uuid4())
    together = Barrier(4)

    def call(_: int) -> str:
        together.wait(10)
        with database.transaction() as tx:
            return write(tx, "a", request_id)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(call, range(4)))
    assert answers == ["a is number 1"] * 4, "concurrent repeats were answered differently"
    assert effects(database) == 1, "concurrent repeats had several effects"


def test_without_an_id_each_call_counts(database: Database) -> None:
    for _ in range(2):
        with database.transaction() as tx:
            write(tx, "a", "")
    assert effects(database) == 2, "a call without an id was taken for a repeat"


@pytest.mark.parametrize(
    "wrong",
    [
        "x",
        "6c84fb90-12c4-11e1-840d-7b25c5ee775a",  # version 1
        "{2f1a7d3e-6b0c-4f5d-9a8b-1c2d3e4f5a6b}",
        "2f1a7d3e6b0c4f5d9a8b1c2d3e4f5a6b",
    ],
)
def test_only_a_uuid4_is_an_id(database: Database, wrong: str) -> None:
    with pytest.raises(InvalidArgument, match="request_id: must be a UUID4"), database.transaction() as tx:
        write(tx, "a", wrong)


def test_old_requests_are_forgotten_and_young_ones_kept(database: Database) -> None:
    old, young = [str(uuid.uuid4()) for _ in range(3)], str(uuid.uuid4())
    pruner = RequestPruner(database, kept_s=3600, chunk=2)
    with database.transaction() as tx:
        for request_id in old:
            write(tx, "a", request_id)
    database.advance(4000)
    with database.transaction() as tx:
        write(tx, "b", young)
    assert [pruner.step(), pruner.step()] == [True, False], "three in chunks of two are two steps"
    with database.transaction() as tx:
        assert write(tx, "b", young) == "b is number 4", "a young request was forgotten"
        for request_id in old:
            write(tx, "c", request_id)
    assert effects(database) == 7, "an old request is still remembered"


def test_a_pruner_with_nothing_to_do_rests(database: Database) -> None:
    pruner = RequestPruner(database, kept_s=0, rest_s=3600)
    assert not pruner.step(), "there is nothing to forget, but it says that there is more"
    with database.transaction() as tx:
        write(tx, "a", str(uuid.uuid4()))
    database.advance(1)
    assert not pruner.step(), "it looks at every step"
    with database.read() as tx:
        assert tx.execute(text("SELECT COUNT(*) FROM requests")).scalar_one() == 1, "it looks at every step"


def test_the_code_and_the_migration_declare_one_table(database: Database) -> None:
    with database.read() as tx:
        context = MigrationContext.configure(
            tx.connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "table" or name == "requests",
            },
        )
        differences = [
            one for one in compare_metadata(context, requests.metadata) if one[0] != "remove_index"
        ]
    assert not differences, f"the migration and the code differ: {differences}"
