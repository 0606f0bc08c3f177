"""The labelling calls over gRPC."""

from collections.abc import Callable
from typing import TypeVar

import grpc

from aloft.api.labels.v1 import labelling_service_pb2 as pb
from aloft.api.labels.v1 import labelling_service_pb2_grpc as pb_grpc
from aloft.kit.rpc.channel import error_of

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class GrpcLabelling:
    """LabellingService on a channel that carries the vendor's key."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = pb_grpc.LabellingServiceStub(channel)

    def lease_tasks(self, request: pb.LeaseTasksRequest) -> pb.LeaseTasksResponse:
        """Take tasks for a while."""
        return _call(self._stub.LeaseTasks, request)

    def submit_annotations(self, request: pb.SubmitAnnotationsRequest) -> pb.SubmitAnnotationsResponse:
        """Hand in annotations, all or none."""
        return _call(self._stub.SubmitAnnotations, request)

    def skip_task(self, request: pb.SkipTaskRequest) -> pb.Task:
        """Say that an image cannot be labelled."""
        return _call(self._stub.SkipTask, request)


def _call(method: Callable[[Request], Answer], request: Request) -> Answer:
    try:
        return method(request)
    except grpc.RpcError as failure:
        raise error_of(failure) from failure
