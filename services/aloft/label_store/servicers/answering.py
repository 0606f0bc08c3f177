"""How a changing method answers: in one transaction, and once for each `request_id`."""

from collections.abc import Callable
from typing import Any, TypeVar

from google.protobuf.message import Message

from aloft.kit.database import Transaction, Transactions
from aloft.kit.rpc.call import Call
from aloft.kit.rpc.requests import once

Response = TypeVar("Response", bound=Message)


def answer_once(
    database: Transactions,
    call: Call,
    request: Any,
    response_type: type[Response],
    do: Callable[[Transaction], Response],
) -> Response:
    """Do it, or return what it returned the first time that its caller sent this `request_id`."""
    with database.transaction() as tx:
        return once(
            tx,
            call.principal,
            type(request).__name__,
            request.request_id,
            request,
            response_type,
            lambda: do(tx),
        )
