"""Runs and versions as the messages of the API."""

from google.protobuf.timestamp_pb2 import Timestamp

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.jobs import Job, State
from aloft.kit.names import MODEL, RUN
from aloft.trainer.domain import Model, Run

_STATES = {
    State.QUEUED: api.Run.STATE_QUEUED,
    State.RUNNING: api.Run.STATE_RUNNING,
    State.SUCCEEDED: api.Run.STATE_SUCCEEDED,
    State.FAILED: api.Run.STATE_FAILED,
    State.CANCELLED: api.Run.STATE_CANCELLED,
}


def run_message(run: Run, job: Job) -> api.Run:
    """Describe a run by its row and its job's."""
    done = job.state is State.SUCCEEDED
    at = job.progress
    return api.Run(
        name=RUN.format(run.campaign, run.version),
        state=_STATES[job.state],
        error=job.error or "",
        model_version=run.version,
        stage=at.stage,
        progress=1.0 if done else at.done / max(1, at.total),
        base=_base(run),
        create_time=_time(run.created_us),
        end_time=_time(job.ended_us),
    )


def model_message(model: Model) -> api.Model:
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
    )


def _base(run: Run) -> api.BaseRun:
    if run.base.checkpoint_key:
        return api.BaseRun(architecture=run.base.architecture, checkpoint_key=run.base.checkpoint_key)
    return api.BaseRun(architecture=run.base.architecture, seed=run.base.seed)


def _time(us: int | None) -> Timestamp | None:
    if us is None:
        return None
    stamp = Timestamp()
    stamp.FromMicroseconds(us)
    return stamp
