"""What a campaign's pool waits for, for `aloft why` and for `GetPool` in the same words."""

from collections.abc import Sequence

from aloft.embedding.domain import Promoted, Standing, Work
from aloft.embedding.store import campaigns, images, pools, shards
from aloft.embedding.use_cases.columns import needed
from aloft.embedding.use_cases.turns import EMBED
from aloft.kit.database import Transaction
from aloft.kit.errors import NotFound
from aloft.kit.explaining import Cause, Kind
from aloft.kit.jobs import State
from aloft.kit.jobs.live import live_jobs


def explain(tx: Transaction, campaign: str) -> Sequence[Cause]:
    """Say what the pool waits for."""
    return [cause(read_standing(tx, campaign))]


def read_standing(tx: Transaction, campaign: str) -> Standing:
    """Read where a pool stands; an unknown campaign raises `NotFound`."""
    known_us = campaigns.known_us(tx, campaign)
    if known_us is None:
        message = f"campaigns/{campaign} is not known to embedding"
        raise NotFound("CAMPAIGN_NOT_FOUND", message, campaign=campaign)
    registered, quarantined = images.count(tx, campaign)
    promoted = campaigns.promoted(tx, campaign)
    missing = images.count_missing(tx, campaign, promoted.model.backbone) if promoted else 0
    unscored = 0
    if promoted:
        model = promoted.model
        unscored = shards.count_unscored(tx, campaign, model, needed(tx, campaign, model))
    return Standing(
        known_us,
        registered,
        quarantined,
        missing,
        unscored,
        promoted,
        pools.current(tx, campaign),
        _work(tx, campaign),
    )


def cause(standing: Standing) -> Cause:
    """Name the one thing that the pool waits for now."""
    promoted, pool = standing.promoted, standing.pool
    if promoted is None:
        waits = "a promoted model version: the trainer has published none"
        return Cause(Kind.WAITING, "VERSION_AWAITED", waits, standing.known_us)
    if promoted.unusable:
        return _unusable(promoted)
    if not standing.registered:
        waits = "images: none is registered for the pool"
        remedy = "lay images into the pool bucket and import them: `aloft images import`"
        return Cause(Kind.WAITING, "IMAGES_AWAITED", waits, standing.known_us, remedy)
    if standing.registered == standing.quarantined:
        waits = f"usable images: all {standing.registered} of the pool are quarantined"
        remedy = (
            "each image says why (ImageService.ListImages); put readable ones under their keys, then"
            " `aloft images import`"
        )
        return Cause(Kind.STUCK, "IMAGES_UNUSABLE", waits, promoted.known_us, remedy)
    covered = pool is not None and pool.version == promoted.model.version
    if pool is not None and covered and not standing.missing and not standing.unscored:
        done = f"nothing: {pool.images} images are embedded under version {pool.version}"
        return Cause(Kind.IDLE, "POOL_EMBEDDED", done, pool.announced_us)
    return _due(standing, promoted)


def _unusable(promoted: Promoted) -> Cause:
    model = promoted.model
    return Cause(
        Kind.STUCK,
        "ARTEFACT_UNUSABLE",
        f"an artefact that can be used: {promoted.unusable}",
        promoted.unusable_us,
        f"put the object {model.artefact_key} back as it was published, which is noticed within minutes,"
        " or have a newer version trained and promoted, which takes its place",
    )


def _due(standing: Standing, promoted: Promoted) -> Cause:
    what = "the manifest of the pool"
    if standing.unscored:
        what = f"the logits of {standing.unscored} images"
    if standing.missing:
        what = f"the features of {standing.missing} images"
    goal = f"{what} under version {promoted.model.version}"
    work = standing.work
    if work is None:
        remedy = "import images (`aloft images import`), or wait for the next version: either queues the job"
        return Cause(Kind.STUCK, "JOB_MISSING", f"{goal}: no job is queued for it", promoted.known_us, remedy)
    if work.running:
        at = f"{work.stage or 'starting'}, {work.done} of {work.total} done"
        return Cause(Kind.WORKING, "EMBEDDING", f"{goal}: {at}", work.since_us)
    why = f"the last attempt failed: {work.error}" if work.error else "a job is queued"
    return Cause(Kind.WAITING, "EMBEDDING_DUE", f"{goal}: {why}", work.since_us)


def _work(tx: Transaction, campaign: str) -> Work | None:
    live = [job for job in live_jobs(tx, campaign) if job.kind == EMBED]
    job = next((job for job in live if job.state is State.RUNNING), live[-1] if live else None)
    if job is None:
        return None
    at, since = job.progress, job.started_us or job.created_us
    return Work(job.state is State.RUNNING, since, at.stage, at.done, at.total, job.error or "")
