"""Calls that speak of runs, and of where training stands."""

# ruff: noqa: N802 (the contract names the methods)

from dataclasses import replace

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.database import Transaction
from aloft.kit.errors import FieldViolation, InvalidArgument, NotFound
from aloft.kit.jobs import Job
from aloft.kit.names import RUN, ResourceName, campaign_of
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.paging import page
from aloft.kit.rpc.requests import once
from aloft.trainer.configuration import pretraining_of
from aloft.trainer.domain.campaign import Base, Campaign
from aloft.trainer.domain.runs import Run
from aloft.trainer.explaining import waiting_for
from aloft.trainer.messages import run_message
from aloft.trainer.servicers.ground import Ground, known
from aloft.trainer.store import models, runs
from aloft.trainer.use_cases.create_run import create_base_run, create_fine_tune_run
from aloft.trainer.use_cases.follow_up import follow_up

TRAINING = ResourceName("campaigns/{campaign}/training")


class RunCalls(Ground):
    """Runs, for operators."""

    @allow(Role.ADMIN, Role.OPERATOR)
    def CreateRun(self, request: api.CreateRunRequest, call: Call) -> api.Run:
        """Start a run that makes a new version."""
        campaign = campaign_of(request.parent)
        kind = request.run.WhichOneof("kind")
        if kind is None:
            raise InvalidArgument.of("run.base", "is missing: give base or fine_tune")

        with self._database.transaction() as tx:

            def create() -> api.Run:
                of = known(tx, campaign, call)
                if kind == "base":
                    run = create_base_run(tx, self._jobs, campaign, _base(request.run.base, of))
                else:
                    run = create_fine_tune_run(tx, self._jobs, campaign)
                return run_message(run, self._job(tx, run))

            return once(tx, call.principal, "CreateRun", request.request_id, request, api.Run, create)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetRun(self, request: api.GetRunRequest, call: Call) -> api.Run:
        """Describe a run."""
        with self._database.read() as tx:
            run = _run(tx, request.name, call)
            return run_message(run, self._job(tx, run))

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListRuns(self, request: api.ListRunsRequest, call: Call) -> api.ListRunsResponse:
        """Describe the runs of a campaign, newest first."""
        campaign, wanted = campaign_of(request.parent), page(request)
        before = int(wanted.after[0]) if wanted.after else None
        with self._database.read() as tx:
            known(tx, campaign, call)
            found = runs.newest(tx, campaign, before=before, limit=wanted.size + 1)
            shown, token = wanted.cut(found, lambda run: (run.version,))
            messages = [run_message(run, self._job(tx, run)) for run in shown]
        return api.ListRunsResponse(runs=messages, next_page_token=token)

    @allow(Role.ADMIN, Role.OPERATOR)
    def CancelRun(self, request: api.CancelRunRequest, call: Call) -> api.Run:
        """End a run that is queued, ask one at work to stop, leave one that ended as it is."""
        with self._database.transaction() as tx:
            run = _run(tx, request.name, call)
            if not self._job(tx, run).state.ended:
                follow_up(tx, self._jobs, run)
            return run_message(run, self._jobs.cancel(tx, run.job))

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetTraining(self, request: api.GetTrainingRequest, call: Call) -> api.Training:
        """Say where the training of a campaign stands, and what it waits for."""
        (campaign,) = TRAINING.parse(request.name)
        with self._database.read() as tx:
            known(tx, campaign, call)
            newest = next(iter(models.newest(tx, campaign)), None)
            promoted = next(iter(models.newest(tx, campaign, promoted=True)), None)
            return api.Training(
                name=request.name,
                newest_version=newest.version if newest else 0,
                promoted_version=promoted.version if promoted else 0,
                runs=runs.count(tx, campaign),
                waiting_for=waiting_for(tx, self._jobs, campaign),
            )

    def _job(self, tx: Transaction, run: Run) -> Job:
        return self._jobs.get(tx, run.job)


def _run(tx: Transaction, name: str, call: Call) -> Run:
    campaign, number = RUN.parse_numbered(name)
    known(tx, campaign, call)
    run = runs.find(tx, campaign, number)
    if run is None:
        raise NotFound("RUN_NOT_FOUND", f"{name} does not exist", run=name)
    return run


def _base(said: api.BaseRun, campaign: Campaign) -> Base:
    architecture = said.architecture or campaign.base.architecture
    if said.WhichOneof("source") is None:
        return replace(campaign.base, architecture=architecture)
    pretraining = pretraining_of(said.pretraining) if said.HasField("pretraining") else None
    violations = [
        FieldViolation(f"run.base.pretraining.{field}", why)
        for field, why in (pretraining.problems() if pretraining else ())
    ]
    if violations:
        message = "; ".join(f"{each.field}: {each.description}" for each in violations)
        raise InvalidArgument("INVALID_RUN", message, tuple(violations))
    return Base(architecture, said.seed, said.checkpoint_key, pretraining)
