"""What embedding does about each event."""

from collections.abc import Iterable

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.embedding.domain import BALD, Model, Strategy
from aloft.embedding.store import campaigns, images, shards
from aloft.embedding.use_cases.columns import needed
from aloft.embedding.use_cases.turns import enqueue
from aloft.imagery import ImageSpec
from aloft.kit.bus.attached import attached
from aloft.kit.bus.context import Context, Handlers, NotYet, Poison
from aloft.kit.database import Transaction
from aloft.kit.jobs import Jobs
from aloft.kit.objects.port import Objects
from aloft.strategies.seeds import derive


class EventHandlers:
    """Applies events to the rows; embedding itself is a job."""

    def __init__(self, jobs: Jobs, objects: Objects) -> None:
        self._jobs = jobs
        self._objects = objects

    def by_event(self) -> Handlers:
        """Say which method handles which event."""
        return {
            events.CampaignChanged: self.campaign_changed,
            events.ImageRegistered: self.image_registered,
            events.ModelPublished: self.model_published,
        }

    def campaign_changed(self, tx: Transaction, event: events.CampaignChanged, context: Context) -> None:
        """Remember the configuration, and make the columns that a new strategy needs."""
        try:
            spec = image_spec(event.campaign.image_spec)
        except ValueError as error:
            raise Poison(str(error)) from error
        said = event.campaign.strategy
        strategy = Strategy(said.expression, said.seed)
        campaigns.put(tx, context.campaign, event.campaign.version, spec, strategy)
        model = campaigns.newest(tx, context.campaign)
        if model is not None and shards.count_unscored(
            tx, context.campaign, model, needed(tx, context.campaign, model)
        ):
            enqueue(self._jobs, tx, context.campaign)

    def image_registered(self, tx: Transaction, event: events.ImageRegistered, context: Context) -> None:
        """Remember the images, and embed them once there is a version."""
        self._require(tx, context.campaign)
        images.register(tx, context.campaign, self._registered(event))
        if campaigns.newest(tx, context.campaign) is not None:
            enqueue(self._jobs, tx, context.campaign)

    def model_published(self, tx: Transaction, event: events.ModelPublished, context: Context) -> None:
        """Embed the pool under a version that was promoted."""
        self._require(tx, context.campaign)
        if not event.promoted:
            return
        if event.base == bool(event.labels):
            has = "labels and no head" if event.base else "a head and no labels"
            raise Poison(f"version {event.version} has {has}")
        model = Model(
            event.version,
            event.architecture,
            event.artefact_key,
            event.artefact_digest,
            event.backbone_digest,
            event.feature_size,
            tuple(event.labels),
            event.loss_head,
            # Half of it, because databases know no numbers of 64 bits without a sign.
            derive(campaigns.strategy(tx, context.campaign).seed, BALD, event.version) // 2,
        )
        campaigns.promote(tx, context.campaign, model)
        enqueue(self._jobs, tx, context.campaign)

    def _require(self, tx: Transaction, campaign: str) -> None:
        if campaigns.spec(tx, campaign) is None:
            raise NotYet(f"campaigns/{campaign} is not known here yet")

    def _registered(self, event: events.ImageRegistered) -> Iterable[events.RegisteredImage]:
        if not event.manifest_key:
            return event.images
        data = attached(self._objects, event.manifest_key, event.manifest_digest)
        return events.ImageRegistered.FromString(data).images


def image_spec(spec: labels.ImageSpec) -> ImageSpec:
    """Read what an event says of images; what it leaves out has the default."""
    default = ImageSpec()
    return ImageSpec(
        height=spec.height or default.height,
        width=spec.width or default.width,
        bands=spec.bands or default.bands,
        mean=tuple(spec.mean),
        std=tuple(spec.std),
    )
