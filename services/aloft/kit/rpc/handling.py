"""Turns a plain servicer method into a gRPC handler: everything that surrounds a call is here, in one order.

Synchronous methods run on a pool of threads, `async` ones on the loop. Methods never see gRPC.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from aloft.kit.errors import InvalidArgument
from aloft.kit.rpc.admission import Room, admit, deadline
from aloft.kit.rpc.call import ANYONE, Call, Role
from aloft.kit.rpc.observation import Method, Observation, observe
from aloft.kit.rpc.status import domain_error, status_of
from aloft.kit.rpc.verifiers import Verifier
from aloft.kit.telemetry.logs import bind
from aloft.kit.telemetry.tracing import traceparent

_END = object()
Parse = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every call of a server shares."""

    verifier: Verifier
    pool: Executor
    room: Room
    service: str
    """What the service is called in log lines."""


class Handling:
    """Serves one method."""

    def __init__(
        self,
        method: Method,
        function: Callable[..., Any],
        parse: Parse,
        roles: frozenset[Role],
        shared: Surroundings,
    ) -> None:
        self._method = method
        self._function = function
        self._parse = parse
        self._roles = roles
        self._shared = shared

    async def unary(self, raw: bytes, context: Any) -> Any:
        """Answer once."""
        async with self._around(context) as (call, metadata, seen):
            if not inspect.iscoroutinefunction(self._function):
                return await self._on_pool(lambda: self._function(*self._begin(raw, call, metadata, seen)))
            arguments = await self._on_pool(lambda: self._begin(raw, call, metadata, seen))
            return await self._function(*arguments)

    async def stream(self, raw: bytes, context: Any) -> AsyncIterator[Any]:
        """Answer many times: the method is a generator, taken a step at a time on the pool."""
        async with self._around(context) as (call, metadata, seen):
            arguments = await self._on_pool(lambda: self._begin(raw, call, metadata, seen))
            answers: Iterator[Any] = self._function(*arguments)
            while (answer := await self._on_pool(lambda: next(answers, _END))) is not _END:
                yield answer

    def _begin(self, raw: bytes, call: Call, metadata: dict[str, str], seen: Observation) -> tuple[Any, Call]:
        principal = admit(call, metadata, self._roles, self._shared.verifier)
        seen.principal = principal.name
        try:
            request = self._parse(raw)
        except DecodeError as error:
            raise InvalidArgument("MALFORMED_REQUEST", f"the request does not parse: {error}") from None
        return request, replace(call, principal=principal)

    async def _on_pool(self, work: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._shared.pool, copy_context().run, work)

    @asynccontextmanager
    async def _around(self, context: Any) -> AsyncIterator[tuple[Call, dict[str, str], Observation]]:
        metadata = {
            name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)
        }
        failure = None
        with bind(service=self._shared.service), observe(self._method, metadata) as seen:
            entered = False
            try:
                until = deadline(context.time_remaining())
                self._shared.room.enter()
                entered = True
                yield Call(ANYONE, until, traceparent(), self._method.path), metadata, seen
            except asyncio.CancelledError:
                late = not context.time_remaining()
                seen.code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
                raise
            except Exception as raised:  # noqa: BLE001 - a bug too must reach the client as a status
                failure = domain_error(raised)
                seen.failed(failure, raised)
            finally:
                if entered:
                    self._shared.room.leave()
        if failure is not None:
            await context.abort_with_status(status_of(failure))
