"""`request_id` (AIP-155): a repeat of a call returns the first outcome, and does nothing a second time."""

import hashlib
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message
from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    select,
    text,
    update,
)

from aloft.kit.clock import SECOND
from aloft.kit.database.database import Transaction, Transactions
from aloft.kit.errors import FailedPrecondition, InvalidArgument
from aloft.kit.rpc.call import Principal

requests = Table(
    "requests",
    MetaData(),
    Column("principal", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("response", LargeBinary),
    Column("created_us", BigInteger, nullable=False),
)
Response = TypeVar("Response", bound=Message)

KEPT_S = 7 * 86_400.0
"""How long a request is remembered, and so how late it may be repeated."""
CHUNK = 1_000
"""How many are forgotten in one step at most."""

# A concurrent repeat waits here until the first has committed (and finds its row) or rolled back.
_CLAIM = text(
    "INSERT INTO requests (principal, request_id, digest, created_us)"
    " VALUES (:principal, :request_id, :digest, aloft_now()) ON CONFLICT DO NOTHING"
).bindparams(bindparam("digest", type_=LargeBinary))


def once(
    tx: Transaction,
    principal: Principal,
    method: str,
    request_id: str,
    request: Message,
    response_type: type[Response],
    do: Callable[[], Response],
) -> Response:
    """Do it, or return what it returned the first time, in the transaction of its effect; no id: do it.

    An id belongs to its caller. A call that failed left nothing, so its repeat is tried afresh.
    """
    if not request_id:
        return do()
    key = {"principal": principal.name, "request_id": _canonical(request_id)}
    digest = _digest(method, request, key["request_id"])
    row = (requests.c.principal == key["principal"], requests.c.request_id == key["request_id"])
    if tx.execute(_CLAIM, {**key, "digest": digest}).rowcount == 1:
        response = do()
        tx.execute(update(requests).where(*row).values(response=response.SerializeToString()))
        return response
    first = tx.execute(select(requests.c.digest, requests.c.response).where(*row)).one()
    if first.digest != digest:
        raise FailedPrecondition(
            "REQUEST_ID_REUSED",
            f"request_id {request_id} was used for another request: make a new UUID4 for each request",
            request_id=request_id,
        )
    return response_type.FromString(first.response)


def amend(tx: Transaction, principal: Principal, request_id: str, response: Message) -> None:
    """Have repeats of a request return this, where more was done for it since."""
    if request_id:
        row = (requests.c.principal == principal.name, requests.c.request_id == _canonical(request_id))
        tx.execute(update(requests).where(*row).values(response=response.SerializeToString()))


def _canonical(request_id: str) -> str:
    try:
        parsed = uuid.UUID(request_id)
    except ValueError:
        parsed = None
    if parsed is None or parsed.version != 4 or str(parsed) != request_id.lower():
        raise InvalidArgument.of("request_id", "must be a UUID4 such as 1f0e2d3c-4b5a-4978-8a6b-5c4d3e2f1a0b")
    return str(parsed)


def _digest(method: str, request: Message, request_id: str) -> bytes:
    if getattr(request, "request_id", request_id) != request_id:  # the same id, in capitals
        spelt, request = request, type(request)()
        request.CopyFrom(spelt)
        request.request_id = request_id  # type: ignore[attr-defined]
    return hashlib.sha256(method.encode() + b"\0" + request.SerializeToString(deterministic=True)).digest()


class RequestPruner:
    """Forgets requests that nobody will repeat any more."""

    name = "requests"

    def __init__(
        self, database: Transactions, *, kept_s: float = KEPT_S, chunk: int = CHUNK, rest_s: float = 0.0
    ) -> None:
        self._database = database
        self._kept_us = round(kept_s * SECOND)
        self._chunk = chunk
        self._rest_s = rest_s
        self._again = 0.0

    def step(self) -> bool:
        """Forget one chunk of the old; once there are no more, rest for `rest_s`."""
        if time.monotonic() < self._again:
            return False
        with self._database.transaction() as tx:
            found = tx.execute(_OLD, {"before": tx.now() - self._kept_us, "chunk": self._chunk}).all()
            for row in found:
                tx.execute(_FORGET, {"who": row.principal, "which": row.request_id})
        more = len(found) == self._chunk
        self._again = 0.0 if more else time.monotonic() + self._rest_s
        return more


_OLD = (
    select(requests.c.principal, requests.c.request_id)
    .where(requests.c.created_us < bindparam("before"))
    .order_by(requests.c.created_us)
    .limit(bindparam("chunk"))
)
_FORGET = delete(requests).where(
    requests.c.principal == bindparam("who"), requests.c.request_id == bindparam("which")
)
