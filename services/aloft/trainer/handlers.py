"""What the trainer does about each event."""

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.imagery import ImageSpec
from aloft.kit.bus.context import Context, Handlers, Poison
from aloft.kit.database import Transaction
from aloft.kit.jobs import Jobs
from aloft.trainer.domain import ARCHITECTURE, Base, Campaign
from aloft.trainer.use_cases.create_run import begin


class EventHandlers:
    """Applies events to the rows; runs are jobs."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def by_event(self) -> Handlers:
        """Say which method handles which event."""
        return {events.CampaignChanged: self.campaign_changed}

    def campaign_changed(self, tx: Transaction, event: events.CampaignChanged, context: Context) -> None:
        """Remember the configuration; the first time that the campaign runs, begin its base version."""
        try:
            campaign = _campaign(context.campaign, event.campaign)
        except ValueError as error:
            raise Poison(str(error)) from error
        begin(tx, self._jobs, campaign)


def _campaign(name: str, said: labels.Campaign) -> Campaign:
    default, spec = ImageSpec(), said.image_spec
    return Campaign(
        id=name,
        version=said.version,
        running=said.state == labels.Campaign.STATE_RUNNING,
        spec=ImageSpec(
            height=spec.height or default.height,
            width=spec.width or default.width,
            bands=spec.bands or default.bands,
            mean=tuple(spec.mean),
            std=tuple(spec.std),
        ),
        base=Base(
            architecture=said.base_model.architecture or ARCHITECTURE,
            seed=said.base_model.seed,
            checkpoint_key=said.base_model.checkpoint_key,
        ),
    )
