"""What is to be served, from the trainer, and what is, to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import grpc

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.kit.rpc.channel import error_of

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Desired:
    """The one version of a campaign that is to be served."""

    campaign: str
    version: int
    generation: int
    """Grows with each change, rollbacks included."""
    key: str
    """Of the archive in the aloft bucket."""
    digest: str


class State(Enum):
    """How far a pod is with what is desired of a campaign."""

    PENDING = "PENDING"
    SERVED = "SERVED"
    UNSERVED = "UNSERVED"


@dataclass(frozen=True, slots=True)
class Report:
    """What one pod says of one campaign."""

    campaign: str
    version: int
    generation: int
    digest: str
    """Of what answers now; empty where nothing does."""
    state: State
    error: str = ""


class Trainer(Protocol):
    """Who decides what is served."""

    def desired(self) -> Sequence[Desired]:
        """List what is to be served."""

    def report(self, said: Report) -> None:
        """Take a pod's word."""


class TrainerClient:
    """The trainer by its RPCs."""

    def __init__(self, channel: grpc.Channel, pod: str) -> None:
        self._stub = TrainerServiceStub(channel)
        self._pod = pod

    def desired(self) -> Sequence[Desired]:
        """List what is to be served, all pages of it."""
        found: list[Desired] = []
        token = ""
        while True:
            answer = self._list(token)
            found += [
                Desired(one.campaign, one.version, one.generation, one.archive_key, one.archive_digest)
                for one in answer.desired_servings
            ]
            token = answer.next_page_token
            if not token:
                return found

    def report(self, said: Report) -> None:
        """Say what this pod serves of a campaign."""
        serving = api.Serving(
            campaign=said.campaign,
            pod=self._pod,
            version=said.version,
            generation=said.generation,
            digest=said.digest,
            state=api.Serving.State.Value(f"STATE_{said.state.value}"),
            error=said.error,
        )
        try:
            self._stub.ReportServing(api.ReportServingRequest(serving=serving))
        except grpc.RpcError as failure:
            raise error_of(failure) from failure

    def _list(self, token: str) -> api.ListDesiredServingResponse:
        request = api.ListDesiredServingRequest(page_size=_PAGE, page_token=token)
        try:
            return self._stub.ListDesiredServing(request)
        except grpc.RpcError as failure:
            raise error_of(failure) from failure
