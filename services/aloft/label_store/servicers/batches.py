"""BatchService."""

# ruff: noqa: N802 (the contract names the methods)

from aloft.api.labels.v1 import batch_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transactions
from aloft.kit.errors import NotFound
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.paging import page
from aloft.label_store import messages
from aloft.label_store.store import batches, campaigns


class BatchServicer:
    """What was sent out to be labelled, for administrators and operators."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetBatch(self, request: service.GetBatchRequest, call: Call) -> service.Batch:
        """Read a batch."""
        campaign, number = names.BATCH.parse_numbered(request.name)
        with self._database.read() as tx:
            campaigns.get(tx, campaign)
            found = batches.find(tx, campaign, number)
        if found is None:
            raise NotFound("BATCH_NOT_FOUND", f"{request.name} does not exist", batch=request.name)
        return messages.batch(found)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListBatches(self, request: service.ListBatchesRequest, call: Call) -> service.ListBatchesResponse:
        """Read batches by number."""
        campaign = names.campaign_of(request.parent)
        wanted = page(request)
        with self._database.read() as tx:
            campaigns.get(tx, campaign)
            after = int(wanted.after[0]) if wanted.after else -1
            found = batches.page(tx, campaign, after, wanted.size + 1)
        shown, token = wanted.cut(found, lambda batch: (batch.number,))
        return service.ListBatchesResponse(batches=map(messages.batch, shown), next_page_token=token)
