"""`request_id` (AIP-155): a repeat of a call returns the first outcome, and does nothing a second time."""

import hashlib
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

from aloft.kit.clock import SECOND, Clock
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
    digest = _digest(method, request)
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


def _canonical(request_id: str) -> str:
    try:
        parsed = uuid.UUID(request_id)
    except ValueError:
        parsed = None
    if parsed is None or parsed.version != 4 or str(parsed) != request_id.lower():
        raise InvalidArgument.of("request_id", "must be a UUID4 such as 1f0e2d3c-4b5a-4978-8a6b-5c4d3e2f1a0b")
    return str(parsed)


def _digest(method: str, request: Message) -> bytes:
    return hashlib.sha256(method.encode() + b"\0" + request.SerializeToString(deterministic=True)).digest()


class RequestPruner:
    """Forgets requests that nobody will repeat any more."""

    name = "requests"

    def __init__(
        self,
        database: Transactions,
        clock: Clock,
        *,
        retention_s: float = 7 * 86400,
        every_s: float = 60,
        limit: int = 1000,
    ) -> None:
        self._database = database
        self._clock = clock
        self._retention_us = round(retention_s * SECOND)
        self._every_us = round(every_s * SECOND)
        self._limit = limit
        self._next_us = 0

    def step(self) -> bool:
        """Delete some that are older than the retention; look again only after a while."""
        if self._clock.now() < self._next_us:
            return False
        with self._database.transaction() as tx:
            old = (
                select(requests.c.principal, requests.c.request_id)
                .where(requests.c.created_us < tx.now() - self._retention_us)
                .limit(self._limit)
            )
            rows = tx.execute(old).all()
            for row in rows:
                tx.execute(
                    delete(requests).where(
                        requests.c.principal == row.principal, requests.c.request_id == row.request_id
                    )
                )
        if len(rows) == self._limit:
            return True
        self._next_us = self._clock.now() + self._every_us
        return False
