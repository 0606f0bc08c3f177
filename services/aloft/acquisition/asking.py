"""What operators ask for over gRPC that takes long: each becomes a job, and an operation to watch."""

# ruff: noqa: N802 (the contract names the methods)

from collections.abc import Callable
from typing import Any

from google.longrunning import operations_pb2

from aloft import strategies
from aloft.acquisition import plan, situation
from aloft.acquisition.domain.due import Rank, Select, Step, next_step, sentence
from aloft.acquisition.preview import COMPARE, PREVIEW
from aloft.acquisition.situation import RANK, RERANK
from aloft.acquisition.store import campaigns, rankings
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.kit import names
from aloft.kit.database import Transaction, Transactions
from aloft.kit.errors import FailedPrecondition, InvalidArgument, NotFound
from aloft.kit.jobs import Job, Jobs, State
from aloft.kit.jobs.live import live_jobs
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.operations import Responses, operation_of
from aloft.kit.rpc.requests import once

SIZE_MOST = 5_000
"""As many as a batch of a campaign may have."""
COMPARED = range(2, 9)
RESPONSES: Responses = {
    RERANK: pb.Ranking,
    RANK: pb.BatchSelection,
    PREVIEW: pb.BatchSelection,
    COMPARE: pb.StrategyComparison,
}
"""What the operations of each kind of job answer with."""


class AskingServicer:
    """Queues a ranking, a selection, or a look at what would be selected."""

    def __init__(self, database: Transactions, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs

    @allow(Role.ADMIN, Role.OPERATOR)
    def Rerank(self, request: pb.RerankRequest, call: Call) -> operations_pb2.Operation:
        """Rank the newest pool anew, although nothing changed."""

        def begin(tx: Transaction, campaign: str) -> str:
            plan.plan_to_rerank(tx, campaign)
            return self._jobs.enqueue(tx, RERANK, campaign, {}, dedupe=RERANK)

        return self._begun(request, call, begin)

    @allow(Role.ADMIN, Role.OPERATOR)
    def SelectBatch(self, request: pb.SelectBatchRequest, call: Call) -> operations_pb2.Operation:
        """Select the batch that is due, or say what would be selected."""
        if not request.validate_only:
            _only_the_campaigns(request)
            return self._begun(request, call, self._select)
        wanted = _strategies([request.strategy] if request.strategy else [], "strategy")
        payload = {"strategies": wanted, **_size_and_seed(request)}

        def begin(tx: Transaction, campaign: str) -> str:
            _ranked(tx, campaign)
            return self._jobs.enqueue(tx, PREVIEW, campaign, payload)

        return self._begun(request, call, begin)

    @allow(Role.ADMIN, Role.OPERATOR)
    def CompareStrategies(self, request: pb.CompareStrategiesRequest, call: Call) -> operations_pb2.Operation:
        """Say what several strategies would select from the newest ranking's pool."""
        wanted = _strategies(request.strategies, "strategies")
        if len(wanted) not in COMPARED or len(set(wanted)) < len(wanted):
            least, most = COMPARED[0], COMPARED[-1]
            raise InvalidArgument.of("strategies", f"name {least} to {most} different strategies")
        payload = {"strategies": wanted, **_size_and_seed(request)}

        def begin(tx: Transaction, campaign: str) -> str:
            _ranked(tx, campaign)
            return self._jobs.enqueue(tx, COMPARE, campaign, payload)

        return self._begun(request, call, begin)

    def _select(self, tx: Transaction, campaign: str) -> str:
        found = plan.known(tx, campaign)
        step = next_step(situation.read(tx, found))
        if not isinstance(step, Select):
            raise FailedPrecondition(_reason(step), _not_now(step), campaign=campaign)
        at_work = [job for job in live_jobs(tx, campaign) if _selects(job)]
        return at_work[0].id if at_work else situation.queue(tx, self._jobs, campaign)

    def _begun(
        self, request: Any, call: Call, begin: Callable[[Transaction, str], str]
    ) -> operations_pb2.Operation:
        campaign = names.campaign_of(request.parent)
        call.principal.require_campaign(campaign)

        def do() -> operations_pb2.Operation:
            if campaigns.find(tx, campaign, lock=True) is None:
                raise NotFound("CAMPAIGN_NOT_FOUND", f"{request.parent} does not exist", campaign=campaign)
            return operation_of(self._jobs.get(tx, begin(tx, campaign)), RESPONSES)

        with self._database.transaction() as tx:
            response = operations_pb2.Operation
            return once(tx, call.principal, call.method, request.request_id, request, response, do)


def _selects(job: Job) -> bool:
    return job.kind == RANK and job.state is State.RUNNING


def _reason(step: Step) -> str:
    return "RANKING" if isinstance(step, Rank) else getattr(step, "awaited", "NOT_DUE")


def _not_now(step: Step) -> str:
    waits = sentence(step) or "the open batch to be labelled"
    return f"no batch can be selected now; the campaign waits for {waits}"


def _ranked(tx: Transaction, campaign: str) -> None:
    if rankings.newest(tx, campaign) is None:
        raise FailedPrecondition("NOTHING_RANKED", f"campaigns/{campaign} has no ranking yet to select from")


def _strategies(wanted: Any, field: str) -> list[str]:
    return [strategies.check(each, field) for each in wanted]


def _size_and_seed(request: Any) -> dict[str, int | None]:
    if not 0 <= request.size <= SIZE_MOST:
        raise InvalidArgument.of("size", f"must be from 1 to {SIZE_MOST:,}; 0 means the campaign's own")
    return {"size": request.size, "seed": request.seed if request.HasField("seed") else None}


def _only_the_campaigns(request: pb.SelectBatchRequest) -> None:
    for field, given in (
        ("strategy", request.strategy),
        ("size", request.size),
        ("seed", request.HasField("seed")),
    ):
        if given:
            raise InvalidArgument.of(field, "only with validate_only: batches are selected as campaigns say")
