"""What a strategy would select from the pool of a ranking, computed and not written."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aloft.acquisition import balance, needs, plan, ranking_file, sources
from aloft.acquisition.domain import seeds
from aloft.acquisition.embedded_pool import EmbeddedPool
from aloft.acquisition.progress import Alive
from aloft.acquisition.situation import strategy_under
from aloft.acquisition.sources import Sources
from aloft.acquisition.store import batches, images, models, rankings
from aloft.acquisition.store.campaigns import Campaign
from aloft.acquisition.store.rankings import Ranking
from aloft.kit.database import Transaction
from aloft.kit.errors import FailedPrecondition
from aloft.kit.objects.port import Objects
from aloft.shards import Manifest, read_manifest
from aloft.strategies.strategy import Picks, Ranked, Strategy


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and all that the store says to it, at one moment."""

    campaign: Campaign
    ranking: Ranking
    expressions: Mapping[str, str]
    """Each strategy as it was asked for, and what it means under the version of the ranking."""
    size: int
    seed: int
    ranked_from: Sources
    selected_from: Sources


@dataclass(frozen=True, slots=True)
class Choice:
    """What one strategy would select."""

    strategy: str
    picks: Picks
    expected: Mapping[str, float]
    """How many of the images are expected to have each label."""
    seconds: float


def ask(
    tx: Transaction, name: str, expressions: tuple[str, ...], size: int = 0, seed: int | None = None
) -> Question:
    """Read what the answer takes. Where nothing is said, it is what the next batch would be selected by."""
    campaign = plan.known(tx, name)
    made = rankings.newest(tx, name)
    if made is None:
        raise FailedPrecondition("NOTHING_RANKED", f"campaigns/{name} has no ranking yet to select from")
    version = models.get(tx, name, made.version)
    newest = batches.newest(tx, name)
    manifest = (made.manifest_key, made.manifest_digest)
    return Question(
        campaign=campaign,
        ranking=made,
        expressions={each: strategy_under(tx, campaign, each, version) for each in expressions}
        or {made.strategy: made.strategy},
        size=size or campaign.batch_size,
        seed=seeds.of_batch(campaign.seed, (newest.number if newest else 0) + 1) if seed is None else seed,
        ranked_from=sources.read(tx, name, made.version, manifest, images.UNRANKED),
        selected_from=plan.to_select(tx, name, made),
    )


def check(objects: Objects, question: Question) -> Manifest:
    """See that the pool has what every strategy needs, or raise `Unmet`, before anything is computed."""
    manifest = read_manifest(objects, *question.ranked_from.manifest)
    for strategy in question.expressions.values():
        needs.load(strategy, manifest)
    return manifest


def choose(
    objects: Objects, question: Question, manifest: Manifest, strategy: str, alive: Callable[[str], Alive]
) -> Choice:
    """Rank, if the ranking is not that of the strategy, and select; nothing is written."""
    begun = time.monotonic()
    loaded = needs.load(strategy, manifest)
    pool = EmbeddedPool(objects, manifest, loaded.needs, question.ranked_from, alive("rank"))
    ranked = _ranked(objects, question, pool, loaded, strategy)
    wanted = question.selected_from
    pool = pool.under(wanted, alive("select"))
    picks = loaded.select(pool, ranked.without(wanted.excluded), question.size, question.seed)
    expected = balance.expected(objects, manifest, picks, pool.heads)
    return Choice(strategy, picks, expected, time.monotonic() - begun)


def _ranked(
    objects: Objects, question: Question, pool: EmbeddedPool, loaded: Strategy, strategy: str
) -> Ranked:
    made, campaign = question.ranking, question.campaign
    # Some strategies score by how large the batch is: only for the campaign's own is the ranking theirs.
    if strategy == made.strategy and question.size == campaign.batch_size:
        return ranking_file.read(objects, made.key, made.digest, made.images, made.left_out)
    return loaded.rank(pool, question.size, seeds.of_ranking(campaign.seed, made.version))
