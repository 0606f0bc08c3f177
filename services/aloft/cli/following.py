"""Waits for an operation of a service, showing how far it is."""

import time

import grpc
import typer
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from rich.markup import escape
from rich.progress import Progress, TaskID

from aloft.cli.output import REFUSED, err

_POLL_S = 0.2


def follow(
    opened: grpc.Channel, operation: operations_pb2.Operation, what: str, *, shared: bool = False
) -> operations_pb2.Operation:
    """Show an operation's progress until it ends; cancel it when the user gives up, unless it is shared."""
    stub = OperationsStub(opened)  # type: ignore[no-untyped-call]  # googleapis publishes no types of its stubs
    try:
        with Progress(console=err, transient=True) as bar:
            task = bar.add_task(what, total=None)
            while not operation.done:
                time.sleep(_POLL_S)
                operation = stub.GetOperation(operations_pb2.GetOperationRequest(name=operation.name))
                _show(bar, task, operation, what)
    except KeyboardInterrupt:
        if shared:
            err.print(f"{what} goes on without being followed")
            raise
        stub.CancelOperation(operations_pb2.CancelOperationRequest(name=operation.name))
        raise
    if operation.HasField("error"):
        err.print(f"[red]{what} failed[/red] {escape(operation.error.message)}", soft_wrap=True)
        raise typer.Exit(REFUSED)
    return operation


def _show(bar: Progress, task: TaskID, operation: operations_pb2.Operation, what: str) -> None:
    said = Struct()
    operation.metadata.Unpack(said)
    progress = MessageToDict(said)["progress"]
    # Not everything says beforehand how long it is, so there may be no total.
    bar.update(
        task,
        completed=progress["done"],
        total=progress["total"] or None,
        description=f"{progress['stage'] or what}, {progress['done']:.0f} so far",
    )
