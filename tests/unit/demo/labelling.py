"""A label store small enough to see through: it keeps the promises that vendors rely on, in memory."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from aloft.api.labels.v1 import labelling_service_pb2 as pb
from aloft.kit.errors import FailedPrecondition, Unavailable

Answer = TypeVar("Answer")


class FakeLabelling:
    """Gives out tasks under leases, honours request ids, and loses answers or leases when told to."""

    def __init__(self, images: dict[str, bytes]) -> None:
        self.images = images
        self.free = sorted(images)
        self.leases: dict[str, str] = {}
        self.annotations: dict[str, list[str]] = {}
        self.skipped: list[str] = []
        self.outcomes: dict[str, object] = {}
        self.effects = 0
        self.lose_next_answer = False
        self.calls: list[str] = []

    def expire(self) -> None:
        """Let every lease run out."""
        self.free = sorted([*self.free, *self.leases])
        self.leases.clear()

    def lease_tasks(self, request: pb.LeaseTasksRequest) -> pb.LeaseTasksResponse:
        """Take tasks for a while."""
        return self._once("lease", request.request_id, lambda: self._lease(request))

    def submit_annotations(self, request: pb.SubmitAnnotationsRequest) -> pb.SubmitAnnotationsResponse:
        """Hand in annotations, all or none."""
        return self._once("submit", request.request_id, lambda: self._submit(request))

    def skip_task(self, request: pb.SkipTaskRequest) -> pb.Task:
        """Say that an image cannot be labelled."""
        return self._once("skip", request.request_id, lambda: self._skip(request))

    def fetch(self, url: str) -> bytes:
        """Read the bytes behind a URL."""
        return self.images[url.removeprefix("memory:")]

    def _lease(self, request: pb.LeaseTasksRequest) -> pb.LeaseTasksResponse:
        assert request.parent == "campaigns/c"
        tasks = []
        for name in self.free[: request.max_tasks]:
            self.effects += 1
            self.leases[name] = f"lease {self.effects}"
            url = f"memory:{name}"
            tasks.append(
                pb.Task(name=f"campaigns/c/tasks/{name}", lease=self.leases[name], image=name, image_url=url)
            )
        self.free = self.free[request.max_tasks :]
        return pb.LeaseTasksResponse(tasks=tasks)

    def _submit(self, request: pb.SubmitAnnotationsRequest) -> pb.SubmitAnnotationsResponse:
        self._check([(each.task, each.lease) for each in request.annotations])
        for each in request.annotations:
            name = each.task.rpartition("/")[2]
            assert name not in self.annotations, f"{name} was labelled twice"
            self.annotations[name] = [verdict.label for verdict in each.verdicts]
            del self.leases[name]
        return pb.SubmitAnnotationsResponse(accepted_annotations=len(request.annotations))

    def _skip(self, request: pb.SkipTaskRequest) -> pb.Task:
        self._check([(request.name, request.lease)])
        name = request.name.rpartition("/")[2]
        del self.leases[name]
        self.skipped.append(name)
        return pb.Task(name=request.name, state=pb.Task.STATE_SKIPPED)

    def _check(self, claims: list[tuple[str, str]]) -> None:
        if any(self.leases.get(task.rpartition("/")[2]) != lease for task, lease in claims):
            raise FailedPrecondition("LEASE_EXPIRED", "these are not leased to you any more")

    def _once(self, method: str, request: str, effect: Callable[[], Answer]) -> Answer:
        self.calls.append(method)
        if request not in self.outcomes:
            self.outcomes[request] = effect()
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise Unavailable("UNREACHABLE", "the answer was lost")
        return self.outcomes[request]  # type: ignore[return-value]


def files(count: int) -> dict[str, bytes]:
    """Make the bytes of images."""
    return {f"t{number}": f"image {number}".encode() for number in range(count)}


def digest(data: bytes) -> str:
    """Name bytes as the truth does."""
    return hashlib.sha256(data).hexdigest()
