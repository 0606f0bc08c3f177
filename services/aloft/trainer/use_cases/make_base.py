"""The job that makes a base version: a backbone without a head, promoted when it is made."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aloft.api.events.v1 import events_pb2 as events
from aloft.imagery import ImageSpec
from aloft.kit.bus import outbox
from aloft.kit.database.database import Transactions
from aloft.kit.errors import FailedPrecondition
from aloft.kit.jobs import Lease
from aloft.kit.names import MODEL
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.errors import BadKey, ObjectMissing
from aloft.kit.objects.port import Objects
from aloft.trainer.domain import Base, Model
from aloft.trainer.store import campaigns, models, runs
from aloft.trainer.use_cases.artefacts import base_card, put_card, put_weights

if TYPE_CHECKING:
    from aloft.networks import Backbone


class MakeBase:
    """Makes the weights, stores them, publishes the version. May be begun again after any point."""

    def __init__(self, database: Transactions, objects: Objects) -> None:
        self._database = database
        self._objects = objects

    def __call__(self, lease: Lease) -> Mapping[str, Any] | None:
        """Do the job."""
        campaign, version = lease.job.campaign, int(lease.job.payload["version"])
        with self._database.read() as tx:
            known = campaigns.find(tx, campaign)
            run = runs.find(tx, campaign, version)
        if known is None or run is None:
            raise LookupError(f"the job of campaigns/{campaign}/runs/{version} has no run")
        lease.heartbeat(done=0, total=1, stage="making the weights")
        backbone, checkpoint_digest = self._backbone(run.base, known.spec)
        model = self._store(campaign, version, backbone)
        card = base_card(model, run.base, known.spec, checkpoint_digest)
        model = replace(model, card_key=put_card(self._objects, card))
        with lease.finish({"version": version}) as tx:
            models.add(tx, model)
            outbox.emit(tx, campaign, _published(model), subject=MODEL.format(campaign, version))
        return None

    def _backbone(self, base: Base, spec: ImageSpec) -> "tuple[Backbone, str]":
        # Torch is imported where a run needs it: the service answers calls without.
        from aloft.networks import UnknownArchitecture, WeightsDoNotFit, build, load_weights

        data = self._checkpoint(base.checkpoint_key)
        try:
            backbone = build(base.architecture, spec.bands, base.seed)
            if data is None:
                return backbone, ""
            return load_weights(backbone, data), sha256_hex(data)
        except UnknownArchitecture as error:
            raise FailedPrecondition("UNKNOWN_ARCHITECTURE", str(error)) from error
        except WeightsDoNotFit as error:
            message = f"checkpoint {base.checkpoint_key}: {error}"
            raise FailedPrecondition("CHECKPOINT_DOES_NOT_FIT", message) from error

    def _checkpoint(self, key: str) -> bytes | None:
        if not key:
            return None
        try:
            return self._objects.get(key)
        except (ObjectMissing, BadKey) as error:
            message = f"the aloft bucket has no checkpoint {key!r}: put a safetensors file there"
            raise FailedPrecondition("CHECKPOINT_MISSING", message) from error

    def _store(self, campaign: str, version: int, backbone: "Backbone") -> Model:
        from aloft.networks import backbone_digest, save_weights

        key, digest = put_weights(self._objects, campaign, version, save_weights(backbone))
        return Model(
            campaign=campaign,
            version=version,
            base=True,
            promoted=True,
            architecture=backbone.architecture,
            artefact_key=key,
            artefact_digest=digest,
            backbone=backbone_digest(backbone),
            feature_size=backbone.feature_size,
            card_key="",
            label_revision=0,
            metrics={},
        )


def _published(model: Model) -> events.ModelPublished:
    return events.ModelPublished(
        campaign=model.campaign,
        version=model.version,
        promoted=model.promoted,
        base=model.base,
        architecture=model.architecture,
        artefact_key=model.artefact_key,
        artefact_digest=model.artefact_digest,
        backbone_digest=model.backbone,
        card_key=model.card_key,
        label_revision=model.label_revision,
        metrics=model.metrics,
        feature_size=model.feature_size,
    )
