"""Long work as clients see it (AIP-151): a service's jobs as `google.longrunning.Operations`."""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from aloft.kit.errors import InvalidArgument, NotFound
from aloft.kit.jobs import Job, Jobs, State
from aloft.kit.names import ResourceName
from aloft.kit.rpc.call import Call, Principal, Role, allow
from aloft.kit.rpc.paging import page
from aloft.kit.service import Servicer

OPERATION = ResourceName("operations/{operation}")
_NAME = operations_pb2.DESCRIPTOR.services_by_name["Operations"].full_name
_LISTED_BYTES = 8192
"""The longest answer that a list shows: a page of long ones would not fit into a message."""
_REASON = re.compile(r"(?!INTERNAL$)[A-Z][A-Z0-9_]*")
"""What a client can do something about, as `aloft.kit.errors` names it."""
_POLL_S = 0.25
_MARGIN_S = 0.5
"""How long before the caller's deadline a wait ends, so that the answer still arrives."""


Responses = Mapping[str, type[Message]]
"""What the operations of each kind of job answer with, where it is not a `google.protobuf.Struct`."""


def operation_of(job: Job, responses: Responses | None = None) -> operations_pb2.Operation:
    """Say a job as an operation, with a `google.protobuf.Struct` as metadata."""
    operation = operations_pb2.Operation(name=OPERATION.format(job.id), done=job.state.ended)
    progress = {"done": job.progress.done, "total": job.progress.total, "stage": job.progress.stage}
    operation.metadata.Pack(
        _struct(
            kind=job.kind,
            campaign=job.campaign,
            state=str(job.state),
            attempts=job.attempts,
            progress={**progress, "note": job.progress.note},
            error=job.error or "",
        )
    )
    if job.state is State.SUCCEEDED:
        result = job.result or {}
        typed = (responses or {}).get(job.kind)
        operation.response.Pack(_struct(**result) if typed is None else ParseDict(dict(result), typed()))
    elif job.state is State.CANCELLED:
        operation.error.CopyFrom(Status(code=Code.CANCELLED, message="cancelled on request"))
    elif job.state is State.FAILED:
        operation.error.CopyFrom(Status(code=_code(job), message=job.error or "failed"))
    return operation


def _code(job: Job) -> int:
    # A job keeps why it failed as text alone: `REASON: a sentence`, or the type of an error that is a bug.
    told = _REASON.fullmatch((job.error or "").partition(": ")[0])
    return Code.FAILED_PRECONDITION if told else Code.INTERNAL


def _in_list(operation: operations_pb2.Operation) -> operations_pb2.Operation:
    if len(operation.response.value) > _LISTED_BYTES:
        operation.response.value = b""
    return operation


def _struct(**fields: Any) -> Struct:
    struct = Struct()
    struct.update(fields)
    return struct


class Operations:
    """Looks at a service's jobs and cancels them."""

    def __init__(self, jobs: Jobs, responses: Responses | None = None) -> None:
        self._jobs = jobs
        self._responses = responses

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def get(self, request: operations_pb2.GetOperationRequest, call: Call) -> operations_pb2.Operation:
        """Say how one stands."""
        return operation_of(self._find(call.principal, request.name), self._responses)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def list_page(
        self, request: operations_pb2.ListOperationsRequest, call: Call
    ) -> operations_pb2.ListOperationsResponse:
        """List them, newest first; the filter is `campaign=<id>` or nothing.

        An answer that is long is empty here: `get` gives it.
        """
        asked = page(request)
        campaign = _campaign(request.filter)
        if campaign is not None:
            call.principal.require_campaign(campaign)
        elif call.principal.campaigns is not None:
            raise InvalidArgument.of("filter", "name one of your campaigns, campaign=<id>")
        after = None if asked.after is None else str(asked.after[0])
        with self._jobs.database.read() as tx:
            found = self._jobs.list(tx, campaign=campaign, limit=asked.size + 1, after=after)
        jobs, token = asked.cut(found, lambda job: (job.id,))
        operations = [_in_list(operation_of(job, self._responses)) for job in jobs]
        return operations_pb2.ListOperationsResponse(operations=operations, next_page_token=token)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def cancel(self, request: operations_pb2.CancelOperationRequest, call: Call) -> Empty:
        """Ask one to stop; one that has ended stays as it is."""
        job = self._find(call.principal, request.name)
        with self._jobs.database.transaction() as tx:
            self._jobs.cancel(tx, job.id)
        return Empty()

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    async def wait(
        self, request: operations_pb2.WaitOperationRequest, call: Call
    ) -> operations_pb2.Operation:
        """Say how one stands once it is done, or when `timeout` or the call's own deadline is near."""
        patience = call.remaining() - _MARGIN_S
        if request.HasField("timeout"):
            patience = min(patience, request.timeout.ToTimedelta().total_seconds())
        until = time.monotonic() + patience
        # On the loop, not on the pool: many may wait, and a thread each would leave none to work.
        while True:
            job = await asyncio.to_thread(self._find, call.principal, request.name)
            if job.state.ended or time.monotonic() + _POLL_S > until:
                return operation_of(job, self._responses)
            await asyncio.sleep(_POLL_S)

    def _find(self, principal: Principal, name: str) -> Job:
        (identifier,) = OPERATION.parse(name)
        unknown = NotFound("OPERATION_NOT_FOUND", f"{name} does not exist", operation=name)
        with self._jobs.database.read() as tx:
            try:
                job = self._jobs.get(tx, identifier)
            except NotFound:
                raise unknown from None
        if not principal.may_see(job.campaign):
            raise unknown
        return job


def _campaign(text: str) -> str | None:
    if not text:
        return None
    name, equals, value = text.partition("=")
    if name.strip() != "campaign" or not equals or not value.strip() or "\0" in value:
        raise InvalidArgument.of("filter", "must be campaign=<id>, or empty")
    return value.strip().strip('"')


def operations(jobs: Jobs, responses: Responses | None = None) -> Servicer:
    """Make the servicer for a service's jobs."""
    return Servicer(_register, Operations(jobs, responses), _NAME)


def _register(methods: Operations, server: Any) -> None:
    # The registration that googleapis generated is of an old form, and would ask for DeleteOperation too.
    pb = operations_pb2
    served: dict[str, tuple[Any, Any, Any]] = {
        "GetOperation": (methods.get, pb.GetOperationRequest, pb.Operation),
        "ListOperations": (methods.list_page, pb.ListOperationsRequest, pb.ListOperationsResponse),
        "CancelOperation": (methods.cancel, pb.CancelOperationRequest, Empty),
        "WaitOperation": (methods.wait, pb.WaitOperationRequest, pb.Operation),
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(method, request.FromString, response.SerializeToString)
        for name, (method, request, response) in served.items()
    }
    server.add_registered_method_handlers(_NAME, handlers)
