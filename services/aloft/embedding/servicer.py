"""EmbeddingService over the rows."""

from aloft.api.embedding.v1 import embedding_service_pb2 as api
from aloft.embedding.explaining import cause, read_standing
from aloft.embedding.use_cases.collect_garbage import collect_garbage
from aloft.embedding.use_cases.lost import lost_of_pool
from aloft.embedding.use_cases.turns import enqueue
from aloft.kit.database.database import Transactions
from aloft.kit.explaining import Kind
from aloft.kit.jobs import Jobs
from aloft.kit.names import ResourceName
from aloft.kit.objects.port import Objects
from aloft.kit.rpc.call import Call, Role, allow

POOL = ResourceName("campaigns/{campaign}/pool")

KEYS_SHOWN = 100


class EmbeddingServicer:
    """Says where each campaign's pool stands, and tidies up behind it."""

    def __init__(self, database: Transactions, objects: Objects, jobs: Jobs) -> None:
        self._database = database
        self._objects = objects
        self._jobs = jobs

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetPool(self, request: api.GetPoolRequest, call: Call) -> api.Pool:  # noqa: N802 (the contract's name)
        """Describe a campaign's pool under its newest promoted version."""
        (campaign,) = POOL.parse(request.name)
        call.principal.require_campaign(campaign)
        with self._database.read() as tx:
            standing = read_standing(tx, campaign)
        pool, waits = standing.pool, cause(standing)
        return api.Pool(
            name=request.name,
            model_version=pool.version if pool else 0,
            generation=pool.generation if pool else 0,
            manifest_digest=pool.digest if pool else "",
            registered_images=standing.registered,
            embedded_images=pool.images if pool else 0,
            quarantined_images=standing.quarantined,
            waiting_for="" if waits.kind is Kind.IDLE else waits.waits_for,
        )

    @allow(Role.ADMIN, Role.OPERATOR)
    def CollectPoolGarbage(  # noqa: N802 (the contract's name)
        self, request: api.CollectPoolGarbageRequest, call: Call
    ) -> api.CollectPoolGarbageResponse:
        """Remove what nothing names, and have made anew what is named and lost; or only say what there is."""
        (campaign,) = POOL.parse(request.name)
        call.principal.require_campaign(campaign)
        with self._database.read() as tx:
            read_standing(tx, campaign)
        garbage = collect_garbage(self._database, self._objects, campaign, dry_run=request.dry_run)
        gone = lost_of_pool(self._database, self._objects, campaign)
        if gone and not request.dry_run:
            with self._database.transaction() as tx:
                enqueue(self._jobs, tx, campaign)
        return api.CollectPoolGarbageResponse(
            objects=len(garbage),
            bytes=sum(info.size for info in garbage),
            keys=[info.key for info in garbage[:KEYS_SHOWN]],
            lost_objects=len(gone),
        )
