"""EmbeddingService over the rows."""

from aloft.api.embedding.v1 import embedding_service_pb2 as api
from aloft.embedding.domain import Standing, Work
from aloft.embedding.store import campaigns, images, pools
from aloft.embedding.use_cases.embed_pool import EMBED
from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.errors import NotFound
from aloft.kit.jobs import Jobs, State
from aloft.kit.names import ResourceName
from aloft.kit.rpc.call import Call, Role, allow

POOL = ResourceName("campaigns/{campaign}/pool")


class EmbeddingServicer:
    """Says where each campaign's pool stands."""

    def __init__(self, database: Transactions, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetPool(self, request: api.GetPoolRequest, call: Call) -> api.Pool:  # noqa: N802 (the contract's name)
        """Describe a campaign's pool under its newest promoted version."""
        (campaign,) = POOL.parse(request.name)
        call.principal.require_campaign(campaign)
        with self._database.read() as tx:
            if campaigns.spec(tx, campaign) is None:
                message = f"campaigns/{campaign} is not known to embedding"
                raise NotFound("CAMPAIGN_NOT_FOUND", message, campaign=campaign)
            standing = self._standing(tx, campaign)
        pool = standing.pool
        return api.Pool(
            name=request.name,
            model_version=pool.version if pool else 0,
            generation=pool.generation if pool else 0,
            manifest_digest=pool.digest if pool else "",
            registered_images=standing.registered,
            embedded_images=pool.images if pool else 0,
            quarantined_images=standing.quarantined,
            waiting_for=standing.waiting_for(),
        )

    def _standing(self, tx: Transaction, campaign: str) -> Standing:
        registered, quarantined = images.count(tx, campaign)
        model = campaigns.newest(tx, campaign)
        missing = images.count_missing(tx, campaign, model.backbone) if model else 0
        pool = pools.current(tx, campaign)
        return Standing(registered, quarantined, missing, model, pool, self._work(tx, campaign))

    def _work(self, tx: Transaction, campaign: str) -> Work | None:
        jobs = self._jobs.list(tx, campaign=campaign, kinds=(EMBED,), limit=5)
        job = next((job for job in jobs if job.state is State.RUNNING), jobs[0] if jobs else None)
        if job is None or job.state in (State.SUCCEEDED, State.CANCELLED):
            return None
        at = job.progress
        return Work(job.state is State.RUNNING, at.stage, at.done, at.total, job.error or "")
