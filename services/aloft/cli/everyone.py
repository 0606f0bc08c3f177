"""Ask all services at once. One that is away answers with an error, so that the others are still heard."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self, TypeVar

import grpc

from aloft.cli.connection import PORTS, Connection
from aloft.kit.errors import (
    AloftError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from aloft.kit.rpc.call import DeadlineExceeded
from aloft.kit.rpc.channel import error_of

DEADLINE_S = 5.0
"""How long a service may take to say where it stands."""
ORDER = ("label-store", "trainer", "embedding", "acquisition")
"""The services as an operator thinks of them: first who has the campaign, then round the loop."""

Said = TypeVar("Said")
Question = Callable[[grpc.Channel], Said]


class Everyone:
    """A channel to each service, open for as long as somebody asks."""

    def __init__(self, server: Connection) -> None:
        self._server = server
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self._channels = {
            service: self._opened.enter_context(self._server.open(service, DEADLINE_S)) for service in PORTS
        }
        self._pool = self._opened.enter_context(ThreadPoolExecutor(len(PORTS)))
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def ask(self, questions: Mapping[str, Question[Said]]) -> dict[str, Said | AloftError]:
        """Ask each service its question, all at the same time."""
        asked = {
            service: self._pool.submit(_ask, question, self._channels[service])
            for service, question in questions.items()
        }
        return {service: answer.result() for service, answer in asked.items()}


def _ask(question: Question[Said], channel: grpc.Channel) -> Said | AloftError:
    try:
        return question(channel)
    except grpc.RpcError as failure:
        return error_of(failure)


def is_away(answer: object) -> bool:
    """Whether it is the answer of a service that cannot be reached, or not in time."""
    return isinstance(answer, Unavailable | DeadlineExceeded)


def refusal_in(answers: Mapping[str, object]) -> AloftError | None:
    """Find what ends the command: the key is not good for it, or there is no such campaign."""
    for service, answer in answers.items():
        if isinstance(answer, Unauthenticated | PermissionDenied | InvalidArgument):
            return answer
        # Only the label store knows what there is: another may not have heard of a campaign yet.
        if isinstance(answer, NotFound) and service == ORDER[0]:
            return answer
    return None
