"""Jobs as operations: a client looks, lists, waits and cancels over the wire."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.rpc.code_pb2 import Code

from aloft.kit.clock import ManualClock
from aloft.kit.database import Database, migrate
from aloft.kit.jobs import Jobs
from aloft.kit.rpc.call import Principal, Role
from aloft.kit.rpc.channel import channel, error_of
from aloft.kit.rpc.operations import operations
from aloft.kit.rpc.server import Server
from tests.integration.echo import ACME, ADMIN, Keys

SCOPED = Principal("operators/scoped", Role.OPERATOR, frozenset({"forests"}))
KEYS = Keys({"ada": ADMIN, "acme": ACME, "scoped": SCOPED})


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    database = Database(f"sqlite:///{tmp_path}/jobs.db", schema="test", clock=ManualClock())
    migrate(database)
    yield Jobs(database)
    database.close()


@pytest.fixture
def port(jobs: Jobs) -> Iterator[int]:
    server = Server([operations(jobs)], KEYS)
    yield server.start()
    server.stop(5)


Ask = Callable[..., Any]


@pytest.fixture
def ask(port: int) -> Ask:
    def ask(method: str, request: Any, answer: Any = pb.Operation, key: str = "ada") -> Any:
        with channel(f"127.0.0.1:{port}", key=key) as opened:
            path = f"/google.longrunning.Operations/{method}"
            stub: Any = opened.unary_unary(path, type(request).SerializeToString, answer.FromString)
            return stub(request, timeout=10)

    return ask


def enqueue(jobs: Jobs, campaign: str = "forests") -> str:
    with jobs.database.transaction() as tx:
        return jobs.enqueue(tx, "train", campaign, {"epochs": 3})


def metadata(operation: pb.Operation) -> dict[str, Any]:
    struct = Struct()
    assert operation.metadata.Unpack(struct), "the metadata is of another type"
    return dict(MessageToDict(struct))


def test_an_operation_shows_where_its_job_stands(jobs: Jobs, ask: Ask) -> None:
    name = f"operations/{enqueue(jobs)}"
    operation = ask("GetOperation", pb.GetOperationRequest(name=name))
    assert (operation.name, operation.done) == (name, False)
    told = metadata(operation)
    assert (told["kind"], told["campaign"], told["state"]) == ("train", "forests", "queued"), told


def test_a_cancelled_job_is_an_operation_that_ended_with_an_error(jobs: Jobs, ask: Ask) -> None:
    name = f"operations/{enqueue(jobs)}"
    ask("CancelOperation", pb.CancelOperationRequest(name=name), Empty)
    operation = ask("WaitOperation", pb.WaitOperationRequest(name=name, timeout=Duration(seconds=5)))
    assert operation.done, "a cancelled job goes on"
    assert operation.error.code == Code.CANCELLED, operation.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("MANIFEST_MISSING: manifest.key: the pool bucket has no object 'm.csv'", Code.FAILED_PRECONDITION),
        ("INTERNAL: internal error 0123456789ab: the server's log has the rest", Code.INTERNAL),
        ("KeyError: 'a'", Code.INTERNAL),
        ("the worker fell silent", Code.INTERNAL),
    ],
)
def test_a_failed_job_is_a_bug_only_where_no_operator_can_mend_it(
    jobs: Jobs, ask: Ask, error: str, code: int
) -> None:
    name = f"operations/{enqueue(jobs)}"
    lease = jobs.claim(["train"], "w", 30)
    assert lease is not None
    lease.fail(error, retry=False)
    failed = ask("GetOperation", pb.GetOperationRequest(name=name)).error
    assert (failed.code, failed.message) == (code, error)


@pytest.mark.parametrize("filter_", ["campaign=a\0b", "campaign=", "state=failed"])
def test_a_filter_that_is_none_is_named(ask: Ask, filter_: str) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        ask("ListOperations", pb.ListOperationsRequest(filter=filter_), pb.ListOperationsResponse)
    assert str(error_of(failure.value)) == "filter: must be campaign=<id>, or empty"


def test_waiting_ends_when_its_time_is_up_and_says_how_the_job_stands(jobs: Jobs, ask: Ask) -> None:
    name = f"operations/{enqueue(jobs)}"
    operation = ask("WaitOperation", pb.WaitOperationRequest(name=name, timeout=Duration(nanos=1000)))
    assert not operation.done, "a queued job has ended"


def test_listing_pages_through_a_campaigns_operations(jobs: Jobs, ask: Ask) -> None:
    mine = [enqueue(jobs) for _ in range(5)]
    enqueue(jobs, "cities")
    read, token = [], ""
    while True:
        request = pb.ListOperationsRequest(filter="campaign=forests", page_size=2, page_token=token)
        answer = ask("ListOperations", request, pb.ListOperationsResponse)
        read += [operation.name for operation in answer.operations]
        token = answer.next_page_token
        if not token:
            break
    assert read == [f"operations/{job}" for job in reversed(mine)], "not all, not newest first, or others'"
    everything = ask("ListOperations", pb.ListOperationsRequest(), pb.ListOperationsResponse)
    assert len(everything.operations) == 6, "without a filter some are missing"


@pytest.mark.parametrize("identifier", ["none", "00000000-0000-4000-8000-000000000000"])
def test_what_does_not_exist_is_not_found(ask: Ask, identifier: str) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        ask("GetOperation", pb.GetOperationRequest(name=f"operations/{identifier}"))
    assert error_of(failure.value).reason == "OPERATION_NOT_FOUND"


def test_a_caller_sees_only_operations_of_its_campaigns(jobs: Jobs, ask: Ask) -> None:
    other = enqueue(jobs, "cities")
    hidden = [
        ("GetOperation", pb.GetOperationRequest(name=f"operations/{other}"), pb.Operation),
        ("CancelOperation", pb.CancelOperationRequest(name=f"operations/{other}"), Empty),
        ("ListOperations", pb.ListOperationsRequest(filter="campaign=cities"), pb.ListOperationsResponse),
    ]
    for method, request, answer in hidden:
        with pytest.raises(grpc.RpcError) as failure:
            ask(method, request, answer, key="scoped")
        assert failure.value.code() is grpc.StatusCode.NOT_FOUND, f"{method} shows what exists"
    with pytest.raises(grpc.RpcError) as failure:
        ask("ListOperations", pb.ListOperationsRequest(), pb.ListOperationsResponse, key="scoped")
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT, "it lists everybody's"
    with pytest.raises(grpc.RpcError) as failure:
        ask("GetOperation", pb.GetOperationRequest(name=f"operations/{other}"), key="acme")
    assert failure.value.code() is grpc.StatusCode.PERMISSION_DENIED, "a vendor sees operations"


def test_deleting_is_not_offered(jobs: Jobs, ask: Ask) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        ask("DeleteOperation", pb.DeleteOperationRequest(name=f"operations/{enqueue(jobs)}"), Empty)
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED, failure.value


def test_a_long_answer_is_read_by_its_name_and_left_out_of_lists(jobs: Jobs, ask: Ask) -> None:
    name = f"operations/{enqueue(jobs)}"
    lease = jobs.claim(["train"], "w", 30)
    assert lease is not None
    with lease.finish({"note": "long " * 10_000}):
        pass
    (listed,) = ask("ListOperations", pb.ListOperationsRequest(), pb.ListOperationsResponse).operations
    assert listed.done
    assert listed.response.type_url.endswith("Struct")
    assert not listed.response.value
    whole, answer = ask("GetOperation", pb.GetOperationRequest(name=name)), Struct()
    assert whole.response.Unpack(answer)
    assert len(MessageToDict(answer)["note"]) == 50_000
