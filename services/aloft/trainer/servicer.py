"""TrainerService over the rows."""

from dataclasses import replace

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.errors import InvalidArgument, NotFound
from aloft.kit.jobs import Job, Jobs
from aloft.kit.names import MODEL, RUN, ResourceName, campaign_of
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.paging import page
from aloft.kit.rpc.requests import once
from aloft.trainer.domain import Base, Campaign, Run, waiting_for
from aloft.trainer.messages import model_message, run_message
from aloft.trainer.store import campaigns, models, runs
from aloft.trainer.use_cases.create_run import create_base_run

TRAINING = ResourceName("campaigns/{campaign}/training")


class TrainerServicer:
    """Runs and versions, for operators."""

    def __init__(self, database: Transactions, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs

    @allow(Role.ADMIN, Role.OPERATOR)
    def CreateRun(self, request: api.CreateRunRequest, call: Call) -> api.Run:  # noqa: N802
        """Start a run that makes a new base version."""
        campaign = campaign_of(request.parent)
        if request.run.WhichOneof("kind") != "base":
            raise InvalidArgument.of("run.base", "is missing: base runs are the only kind so far")

        with self._database.transaction() as tx:

            def create() -> api.Run:
                known = _known(tx, campaign, call)
                run = create_base_run(tx, self._jobs, campaign, _base(request.run.base, known))
                return run_message(run, self._job(tx, run))

            return once(tx, call.principal, "CreateRun", request.request_id, request, api.Run, create)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetRun(self, request: api.GetRunRequest, call: Call) -> api.Run:  # noqa: N802
        """Describe a run."""
        with self._database.read() as tx:
            run = _run(tx, request.name, call)
            return run_message(run, self._job(tx, run))

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListRuns(self, request: api.ListRunsRequest, call: Call) -> api.ListRunsResponse:  # noqa: N802
        """Describe the runs of a campaign, newest first."""
        campaign, wanted = campaign_of(request.parent), page(request)
        before = int(wanted.after[0]) if wanted.after else None
        with self._database.read() as tx:
            _known(tx, campaign, call)
            found = runs.newest(tx, campaign, before=before, limit=wanted.size + 1)
            shown, token = wanted.cut(found, lambda run: (run.version,))
            messages = [run_message(run, self._job(tx, run)) for run in shown]
        return api.ListRunsResponse(runs=messages, next_page_token=token)

    @allow(Role.ADMIN, Role.OPERATOR)
    def CancelRun(self, request: api.CancelRunRequest, call: Call) -> api.Run:  # noqa: N802
        """End a run that is queued, ask one at work to stop, leave one that ended as it is."""
        with self._database.transaction() as tx:
            run = _run(tx, request.name, call)
            return run_message(run, self._jobs.cancel(tx, run.job))

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetModel(self, request: api.GetModelRequest, call: Call) -> api.Model:  # noqa: N802
        """Describe a version."""
        campaign, version = MODEL.parse_numbered(request.name)
        with self._database.read() as tx:
            _known(tx, campaign, call)
            model = models.find(tx, campaign, version)
        if model is None:
            raise NotFound("MODEL_NOT_FOUND", f"{request.name} does not exist", model=request.name)
        return model_message(model)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListModels(self, request: api.ListModelsRequest, call: Call) -> api.ListModelsResponse:  # noqa: N802
        """Describe the versions of a campaign, newest first."""
        campaign, wanted = campaign_of(request.parent), page(request)
        before = int(wanted.after[0]) if wanted.after else None
        with self._database.read() as tx:
            _known(tx, campaign, call)
            found = models.newest(tx, campaign, before=before, limit=wanted.size + 1)
        shown, token = wanted.cut(found, lambda model: (model.version,))
        return api.ListModelsResponse(models=map(model_message, shown), next_page_token=token)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetTraining(self, request: api.GetTrainingRequest, call: Call) -> api.Training:  # noqa: N802
        """Say where the training of a campaign stands, and what it waits for."""
        (campaign,) = TRAINING.parse(request.name)
        with self._database.read() as tx:
            known = _known(tx, campaign, call)
            newest = next(iter(models.newest(tx, campaign)), None)
            promoted = next(iter(models.newest(tx, campaign, promoted=True)), None)
            last = next(iter(runs.newest(tx, campaign)), None)
            job = self._job(tx, last) if last else None
            count = runs.count(tx, campaign)
        state, said = (job.state.value, job.error or job.progress.stage) if job else ("", "")
        return api.Training(
            name=request.name,
            newest_version=newest.version if newest else 0,
            promoted_version=promoted.version if promoted else 0,
            runs=count,
            waiting_for=waiting_for(known, newest, last, state, said),
        )

    def _job(self, tx: Transaction, run: Run) -> Job:
        return self._jobs.get(tx, run.job)


def _known(tx: Transaction, campaign: str, call: Call) -> Campaign:
    call.principal.require_campaign(campaign)
    found = campaigns.find(tx, campaign)
    if found is None:
        message = f"campaigns/{campaign} is not known to the trainer"
        raise NotFound("CAMPAIGN_NOT_FOUND", message, campaign=campaign)
    return found


def _run(tx: Transaction, name: str, call: Call) -> Run:
    campaign, number = RUN.parse_numbered(name)
    _known(tx, campaign, call)
    run = runs.find(tx, campaign, number)
    if run is None:
        raise NotFound("RUN_NOT_FOUND", f"{name} does not exist", run=name)
    return run


def _base(said: api.BaseRun, campaign: Campaign) -> Base:
    architecture = said.architecture or campaign.base.architecture
    if said.WhichOneof("source") is None:
        return replace(campaign.base, architecture=architecture)
    return Base(architecture, said.seed, said.checkpoint_key)
