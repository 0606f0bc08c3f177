"""What there is to do in a campaign, and what of the store that takes."""

from dataclasses import dataclass

from aloft.acquisition import situation
from aloft.acquisition.domain.due import Rank, Select, Step, Wait, next_step
from aloft.acquisition.store import campaigns, images, models, rankings
from aloft.acquisition.store.campaigns import Campaign
from aloft.kit.database import Transaction
from aloft.strategies.pool import Ids, ids


@dataclass(frozen=True, slots=True)
class Plan:
    """The next step, and what it reads."""

    campaign: Campaign
    step: Step
    manifest: tuple[str, str] = ("", "")
    """Key and digest."""
    taken: tuple[str, ...] = ()
    """Images that the step leaves out, in order of id."""
    ranking: rankings.Ranking | None = None
    """What a batch is selected from."""

    @property
    def excluded(self) -> Ids:
        """The images that the step leaves out, sorted."""
        return ids(list(self.taken))


def plan(tx: Transaction, name: str) -> Plan:
    """Decide what there is to do."""
    campaign = campaigns.find(tx, name)
    if campaign is None:
        raise LookupError(f"a job for campaign {name!r}, which is not known here")
    step = next_step(situation.read(tx, campaign))
    match step:
        case Rank():
            excluded = images.matching(tx, name, images.UNRANKED)
            return Plan(campaign, step, models.manifest(tx, name, step.version), tuple(excluded))
        case Select():
            made = rankings.get(tx, name, step.ranking)
            excluded = images.matching(tx, name, images.TAKEN)
            return Plan(campaign, step, (made.manifest_key, made.manifest_digest), tuple(excluded), made)
        case Wait():
            return Plan(campaign, step)
