"""Rows as the messages of the API."""

from google.protobuf.timestamp_pb2 import Timestamp

from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.jobs import Job, State
from aloft.kit.names import MODEL, RUN
from aloft.trainer.domain.campaign import Base
from aloft.trainer.domain.models import Desired, Model, Report
from aloft.trainer.domain.runs import Run

_STATES = {
    State.QUEUED: api.Run.STATE_QUEUED,
    State.RUNNING: api.Run.STATE_RUNNING,
    State.SUCCEEDED: api.Run.STATE_SUCCEEDED,
    State.FAILED: api.Run.STATE_FAILED,
    State.CANCELLED: api.Run.STATE_CANCELLED,
}

SERVING_STATES = {
    api.Serving.STATE_PENDING: "pending",
    api.Serving.STATE_SERVED: "served",
    api.Serving.STATE_UNSERVED: "unserved",
}
_SERVING_STATES = {word: state for state, word in SERVING_STATES.items()}


def run_message(run: Run, job: Job) -> api.Run:
    """Describe a run by its row and its job's."""
    done = job.state is State.SUCCEEDED
    at = job.progress
    message = api.Run(
        name=RUN.format(run.campaign, run.version),
        state=_STATES[job.state],
        error=job.error or "",
        model_version=run.version,
        stage=at.stage,
        progress=1.0 if done else at.done / max(1, at.total),
        create_time=_time(run.created_us),
        end_time=_time(job.ended_us),
    )
    if run.base is not None:
        message.base.CopyFrom(_base(run.base))
    else:
        message.fine_tune.label_revision = run.label_revision
        message.fine_tune.parent_version = run.parent
    return message


def model_message(model: Model, desired: Desired | None) -> api.Model:
    """Describe a version."""
    return api.Model(
        name=MODEL.format(model.campaign, model.version),
        version=model.version,
        base=model.base,
        promoted=model.promoted,
        architecture=model.architecture,
        artefact_key=model.artefact_key,
        artefact_digest=model.artefact_digest,
        backbone_digest=model.backbone,
        card_key=model.card_key,
        label_revision=model.label_revision,
        metrics=model.metrics,
        create_time=_time(model.created_us),
        labels=model.labels,
        archive_key=model.archive_key,
        archive_digest=model.archive_digest,
        gate_failure=model.gate_failure,
        score=model.score,
        parent_version=model.parent,
        desired=desired is not None and desired.version == model.version,
    )


def desired_message(desired: Desired) -> api.DesiredServing:
    """Describe what is to be served of a campaign."""
    return api.DesiredServing(
        campaign=desired.campaign,
        version=desired.version,
        generation=desired.generation,
        archive_key=desired.archive_key,
        archive_digest=desired.archive_digest,
    )


def serving_message(report: Report) -> api.Serving:
    """Describe what a pod serves."""
    return api.Serving(
        campaign=report.campaign,
        pod=report.pod,
        version=report.version,
        generation=report.generation,
        digest=report.digest,
        state=_SERVING_STATES[report.state],
        error=report.error,
        report_time=_time(report.reported_us),
    )


def _base(base: Base) -> api.BaseRun:
    message = api.BaseRun(architecture=base.architecture)
    if base.pretraining is not None:
        asked = base.pretraining
        message.pretraining.CopyFrom(
            labels.Pretraining(
                method=asked.method,
                steps=asked.steps,
                batch_images=asked.batch_images,
                learning_rate=asked.learning_rate,
                seed=asked.seed,
            )
        )
    elif base.checkpoint_key:
        message.checkpoint_key = base.checkpoint_key
    else:
        message.seed = base.seed
    return message


def _time(us: int | None) -> Timestamp | None:
    if us is None:
        return None
    stamp = Timestamp()
    stamp.FromMicroseconds(us)
    return stamp
