"""What a vendor was told is stored, written down as it was told."""

import json
from typing import IO

from aloft.api.labels.v1 import labelling_service_pb2 as pb
from aloft.api.labels.v1.campaign_pb2 import VERDICT_POSITIVE
from aloft.demo.simulated import Labelling


class Journalled:
    """Passes calls on and writes a JSON line for each annotation, once its submission was acknowledged."""

    def __init__(self, client: Labelling, lines: IO[str]) -> None:
        self._client = client
        self._lines = lines

    def lease_tasks(self, request: pb.LeaseTasksRequest) -> pb.LeaseTasksResponse:
        """Take tasks for a while."""
        return self._client.lease_tasks(request)

    def submit_annotations(self, request: pb.SubmitAnnotationsRequest) -> pb.SubmitAnnotationsResponse:
        """Hand in annotations, all or none."""
        answer = self._client.submit_annotations(request)
        for annotation in request.annotations:
            positive = [one.label for one in annotation.verdicts if one.verdict == VERDICT_POSITIVE]
            line = {"task": annotation.task, "positive": positive, "request_id": request.request_id}
            self._lines.write(json.dumps(line) + "\n")
        self._lines.flush()
        return answer

    def skip_task(self, request: pb.SkipTaskRequest) -> pb.Task:
        """Say that an image cannot be labelled."""
        return self._client.skip_task(request)
