"""A vendor that labels by looking up: it leases, downloads, and submits through the public API alone.

It keeps nothing on disk. Killed anywhere, its leases run out and their tasks are given out again; what it had
submitted counts once, because it repeats a request under the `request_id` that the request had.
"""

import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from google.protobuf.duration_pb2 import Duration

from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.api.labels.v1 import labelling_service_pb2 as pb
from aloft.demo.truth import Truth
from aloft.kit.errors import (
    AloftError,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)

log = logging.getLogger(__name__)

REFUSALS = (InvalidArgument, Unauthenticated, PermissionDenied, NotFound, AlreadyExists, FailedPrecondition)
"""What the same call would be answered again. Anything else may be different a little later."""


class Labelling(Protocol):
    """The calls of LabellingService that a vendor makes. They raise the errors of `aloft.kit.errors`."""

    def lease_tasks(self, request: pb.LeaseTasksRequest) -> pb.LeaseTasksResponse:
        """Take tasks for a while."""

    def submit_annotations(self, request: pb.SubmitAnnotationsRequest) -> pb.SubmitAnnotationsResponse:
        """Hand in annotations, all or none."""

    def skip_task(self, request: pb.SkipTaskRequest) -> pb.Task:
        """Say that an image cannot be labelled."""


class UrlGone(Exception):
    """A task's URL is not good any more: its lease has run out."""


Fetch = Callable[[str], bytes]
"""Reads the bytes behind a URL; raises `UrlGone`, or `Unavailable` where trying again may help."""


class SimulatedVendor:
    """Labels what it can get, a handful of tasks at a time. Driven by `step`, it never sleeps."""

    def __init__(
        self,
        client: Labelling,
        truth: Truth,
        fetch: Fetch,
        campaign: str,
        *,
        annotator: str = "simulated",
        max_tasks: int = 10,
        lease_s: int = 30,
    ) -> None:
        self._client = client
        self._truth = truth
        self._fetch = fetch
        self._parent = f"campaigns/{campaign}"
        self._ask = pb.LeaseTasksRequest(
            parent=self._parent,
            annotator=annotator,
            max_tasks=max_tasks,
            lease_duration=Duration(seconds=lease_s),
        )
        self._lease: pb.LeaseTasksRequest | None = None
        self._tasks: deque[pb.Task] = deque()
        self._skip: pb.SkipTaskRequest | None = None
        self._annotations: list[pb.Annotation] = []
        self._submissions: deque[pb.SubmitAnnotationsRequest] = deque()
        self.labelled = 0
        self.skipped = 0
        self.expired = 0
        """Tasks whose lease ran out before they were labelled."""

    def step(self) -> int:
        """Go on where it stopped; say how many annotations were accepted. What is passing waits."""
        before = self.labelled
        try:
            if not self._submissions:
                self._take()
                self._look()
            while self._submissions:
                self._hand_in(self._submissions[0])
        except REFUSALS:
            raise
        except AloftError as passing:
            log.info("interrupted (%s); it goes on from there", passing)
        return self.labelled - before

    def _take(self) -> None:
        if self._tasks or self._annotations:
            return
        if self._lease is None:
            self._lease = pb.LeaseTasksRequest(request_id=str(uuid.uuid4()))
            self._lease.MergeFrom(self._ask)
        leased = self._client.lease_tasks(self._lease).tasks
        self._lease = None
        self._tasks.extend(leased)

    def _look(self) -> None:
        while self._tasks:
            self._look_at(self._tasks[0])
            self._tasks.popleft()
        if self._annotations:
            self._submissions.append(self._submission(self._annotations))
            self._annotations = []

    def _look_at(self, task: pb.Task) -> None:
        try:
            # A repeated lease answers with tasks as they are now: one that was lost in between has no URL.
            data = self._fetch(task.image_url) if task.image_url else None
        except UrlGone:
            data = None
        if data is None:
            self.expired += 1
            return
        shown = self._truth.of(data)
        if shown is None:
            self._skip_task(task)
            return
        verdicts = [labels.LabelVerdict(label=label, verdict=labels.VERDICT_POSITIVE) for label in shown]
        self._annotations.append(pb.Annotation(task=task.name, lease=task.lease, verdicts=verdicts))

    def _skip_task(self, task: pb.Task) -> None:
        if self._skip is None:
            self._skip = pb.SkipTaskRequest(
                name=task.name, lease=task.lease, reason="NOT_IN_TRUTH", request_id=str(uuid.uuid4())
            )
        try:
            self._client.skip_task(self._skip)
            self.skipped += 1
        except FailedPrecondition:
            self.expired += 1
        self._skip = None

    def _hand_in(self, submission: pb.SubmitAnnotationsRequest) -> None:
        try:
            self.labelled += self._client.submit_annotations(submission).accepted_annotations
        except FailedPrecondition as refused:
            if refused.reason != "LEASE_EXPIRED":
                raise
            self._sort_out(submission.annotations)
        self._submissions.popleft()

    def _sort_out(self, annotations: Iterable[pb.Annotation]) -> None:
        # All or none were taken, so none were: each by itself shows which lease it is that ran out.
        alone = [self._submission([annotation]) for annotation in annotations]
        if len(alone) > 1:
            self._submissions.extend(alone)
        else:
            self.expired += 1

    def _submission(self, annotations: Iterable[pb.Annotation]) -> pb.SubmitAnnotationsRequest:
        return pb.SubmitAnnotationsRequest(
            parent=self._parent, annotations=annotations, request_id=str(uuid.uuid4())
        )
