"""Calls that speak of versions."""

# ruff: noqa: N802 (the contract names the methods)

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.errors import FailedPrecondition
from aloft.kit.names import campaign_of
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.paging import page
from aloft.kit.rpc.requests import once
from aloft.trainer.messages import model_message
from aloft.trainer.servicers.ground import Ground, known, model_of
from aloft.trainer.store import campaigns, models, servings
from aloft.trainer.use_cases.garbage import collect

KEYS = 100
"""How many keys an answer names."""


class ModelCalls(Ground):
    """Versions, for operators."""

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetModel(self, request: api.GetModelRequest, call: Call) -> api.Model:
        """Describe a version."""
        with self._database.read() as tx:
            model = model_of(tx, request.name, call)
            return model_message(model, servings.desired(tx, model.campaign))

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListModels(self, request: api.ListModelsRequest, call: Call) -> api.ListModelsResponse:
        """Describe the versions of a campaign, newest first."""
        campaign, wanted = campaign_of(request.parent), page(request)
        before = int(wanted.after[0]) if wanted.after else None
        with self._database.read() as tx:
            known(tx, campaign, call)
            found = models.newest(tx, campaign, before=before, limit=wanted.size + 1)
            desired = servings.desired(tx, campaign)
        shown, token = wanted.cut(found, lambda model: (model.version,))
        messages = [model_message(model, desired) for model in shown]
        return api.ListModelsResponse(models=messages, next_page_token=token)

    @allow(Role.ADMIN, Role.OPERATOR)
    def RollbackModel(self, request: api.RollbackModelRequest, call: Call) -> api.Model:
        """Have an older promoted version served, until a newer one than any so far is promoted."""
        with self._database.transaction() as tx:

            def roll_back() -> api.Model:
                model = model_of(tx, request.name, call)
                # A run that ends meanwhile waits, and so comes after.
                campaigns.get(tx, model.campaign, lock=True)
                if not model.promoted:
                    message = f"{request.name} was not promoted: {model.gate_failure}"
                    raise FailedPrecondition("NOT_PROMOTED", message, model=request.name)
                now = servings.desired(tx, model.campaign)
                if now is None or now.version != model.version:
                    now = servings.desire(tx, model)
                return model_message(model, now)

            return once(
                tx, call.principal, "RollbackModel", request.request_id, request, api.Model, roll_back
            )

    @allow(Role.ADMIN, Role.OPERATOR)
    def CollectModelGarbage(
        self, request: api.CollectModelGarbageRequest, call: Call
    ) -> api.CollectModelGarbageResponse:
        """Remove what no version needs from the bucket, or only say what it would remove."""
        campaign = campaign_of(request.parent)
        call.principal.require_campaign(campaign)
        found = collect(self._database, self._objects, self._jobs, campaign, dry_run=request.dry_run)
        return api.CollectModelGarbageResponse(
            objects=len(found),
            bytes=sum(info.size for info in found),
            keys=[info.key for info in found[:KEYS]],
        )
