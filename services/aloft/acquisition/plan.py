"""What there is to do in a campaign, and what of the store that takes."""

from dataclasses import dataclass

from aloft.acquisition import situation, sources
from aloft.acquisition.domain.due import Rank, Select, Step, Wait, next_step
from aloft.acquisition.sources import Sources
from aloft.acquisition.store import campaigns, images, models, rankings
from aloft.acquisition.store.campaigns import Campaign
from aloft.kit.database import Transaction
from aloft.kit.errors import FailedPrecondition


@dataclass(frozen=True, slots=True)
class Plan:
    """The next step, and what it reads."""

    campaign: Campaign
    step: Step
    sources: Sources | None = None
    """None where there is nothing to do."""
    ranking: rankings.Ranking | None = None
    """What a batch is selected from."""


def plan(tx: Transaction, name: str) -> Plan:
    """Decide what there is to do."""
    campaign = known(tx, name)
    step = next_step(situation.read(tx, campaign))
    match step:
        case Rank():
            return Plan(campaign, step, to_rank(tx, name, step.version))
        case Select():
            made = rankings.get(tx, name, step.ranking)
            return Plan(campaign, step, to_select(tx, name, made), made)
        case Wait():
            return Plan(campaign, step)


def plan_to_rerank(tx: Transaction, name: str) -> Plan:
    """Plan a ranking of the newest pool, although none is due."""
    campaign = known(tx, name)
    newest = situation.read(tx, campaign).embedded
    if newest is None:
        raise FailedPrecondition(
            "POOL_NOT_EMBEDDED",
            f"campaigns/{name} has nothing to rank: no pool is embedded under a promoted version",
        )
    step = Rank(newest.version, newest.generation, newest.strategy)
    return Plan(campaign, step, to_rank(tx, name, newest.version))


def known(tx: Transaction, name: str) -> Campaign:
    """Read the campaign that a job is for."""
    campaign = campaigns.find(tx, name)
    if campaign is None:
        raise LookupError(f"a job for campaign {name!r}, which is not known here")
    return campaign


def to_rank(tx: Transaction, campaign: str, version: int) -> Sources:
    """Read what a ranking of a version's newest manifest takes."""
    return sources.read(tx, campaign, version, models.manifest(tx, campaign, version), images.UNRANKED)


def to_select(tx: Transaction, campaign: str, made: rankings.Ranking) -> Sources:
    """Read what a selection from a ranking takes."""
    manifest = (made.manifest_key, made.manifest_digest)
    return sources.read(tx, campaign, made.version, manifest, images.TAKEN)
