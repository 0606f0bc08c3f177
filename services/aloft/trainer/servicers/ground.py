"""What the methods stand on, and what several of them read."""

from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.errors import NotFound
from aloft.kit.jobs import Jobs
from aloft.kit.names import MODEL
from aloft.kit.objects.port import Objects
from aloft.kit.rpc.call import Call
from aloft.trainer.domain.campaign import Campaign
from aloft.trainer.domain.models import Model
from aloft.trainer.store import campaigns, models


class Ground:
    """The ports of the calls."""

    def __init__(self, database: Transactions, jobs: Jobs, objects: Objects) -> None:
        self._database = database
        self._jobs = jobs
        self._objects = objects


def known(tx: Transaction, campaign: str, call: Call) -> Campaign:
    """Read a campaign that the caller may see, or raise `NotFound`."""
    call.principal.require_campaign(campaign)
    return campaigns.get(tx, campaign)


def model_of(tx: Transaction, name: str, call: Call) -> Model:
    """Read a version that the caller may see, or raise `NotFound`."""
    campaign, version = MODEL.parse_numbered(name)
    known(tx, campaign, call)
    model = models.find(tx, campaign, version)
    if model is None:
        raise NotFound("MODEL_NOT_FOUND", f"{name} does not exist", model=name)
    return model
