"""Turns servicers into gRPC handlers, before anything listens."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import grpc

from aloft.kit.rpc.call import allowed
from aloft.kit.rpc.handling import Handling, Surroundings
from aloft.kit.rpc.observation import Method
from aloft.kit.service import Servicer

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class StartRefused(Exception):
    """The server cannot start; a sentence says why."""


class _Collector:
    """Stands in for a server in the generated registration, and keeps what it is given."""

    def __init__(self) -> None:
        self.found: dict[str, Mapping[str, Handler]] = {}

    def add_registered_method_handlers(self, name: str, handlers: Mapping[str, Handler]) -> None:
        """Keep the handlers of one service."""
        self.found[name] = handlers

    def add_generic_rpc_handlers(self, _: Any) -> None:
        """Leave alone: the same handlers once more."""


def handlers(servicer: Servicer, shared: Surroundings) -> dict[str, dict[str, Handler]]:
    """Make gRPC's handlers of a servicer's methods, by service and name; refuse what cannot be served."""
    collector = _Collector()
    servicer.register(servicer.methods, collector)
    if not collector.found:
        raise StartRefused(f"{servicer.full_name} registered no method: its generated code is too old")
    return {
        service: {name: _handler(service, name, one, shared) for name, one in handlers.items()}
        for service, handlers in collector.found.items()
    }


def _handler(service: str, name: str, given: Any, shared: Surroundings) -> Handler:
    if given.request_streaming:
        raise StartRefused(f"{service}.{name} takes a stream of requests, which nothing here serves")
    function: Callable[..., Any] = given.unary_stream if given.response_streaming else given.unary_unary
    roles = allowed(function)
    if roles is None:
        raise StartRefused(
            f"{service}.{name} does not say who may call it: put @allow(Role.…) or @allow_anyone on the"
            f" method of {type(getattr(function, '__self__', function)).__name__}"
        )
    kind = "server_stream" if given.response_streaming else "unary"
    handling = Handling(Method(kind, service, name), function, given.request_deserializer, roles, shared)
    serialize = given.response_serializer
    # No deserializer: a request that does not parse is answered with a reason, as every other error.
    if given.response_streaming:
        return grpc.unary_stream_rpc_method_handler(handling.stream, None, serialize)
    return grpc.unary_unary_rpc_method_handler(handling.unary, None, serialize)
