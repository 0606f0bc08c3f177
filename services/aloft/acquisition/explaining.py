"""What the selection of a campaign waits for, as `aloft why` shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from aloft.acquisition import situation
from aloft.acquisition.domain.due import Awaited, Rank, Select, Wait, next_step, sentence
from aloft.acquisition.domain.situation import Situation
from aloft.acquisition.store import batches, campaigns, models
from aloft.acquisition.store.batches import Selected
from aloft.acquisition.store.campaigns import Campaign
from aloft.acquisition.store.models import Version
from aloft.kit.database import Transaction
from aloft.kit.errors import NotFound
from aloft.kit.explaining import Cause, Kind
from aloft.kit.jobs.live import live_jobs

_KINDS = {Awaited.STOPPED: Kind.IDLE, Awaited.IMAGES: Kind.STUCK, Awaited.NEEDS: Kind.STUCK}
"""Of what is not simply somebody's next move."""

_REMEDIES = {
    Awaited.PAUSED: "`aloft campaign resume {campaign}`",
    Awaited.IMAGES: "`aloft images import {campaign}`, or `aloft campaign stop {campaign}`",
    Awaited.NEEDS: "give the campaign another strategy, or make what it lacks, then"
    " `aloft ranking rerank {campaign}`",
    Awaited.ACCEPTANCE: "see what the label store says of the campaign's budget",
}

_LABEL_ON = "label on, or `aloft campaign update {0} --gate SCORE`"
_LEARN_ANEW = "`aloft campaign update {0} --gate SCORE`, then `aloft run create {0} --fine-tune`"


@dataclass(frozen=True, slots=True)
class _Known:
    """What the causes of a campaign are told from."""

    campaign: Campaign
    now: Situation
    batch: Selected | None
    newest: Version | None
    promoted_us: int | None
    at_work: bool
    """The job that ranks and selects is queued or running."""


def explain(tx: Transaction, campaign: str) -> Sequence[Cause]:
    """Say what the selection of a campaign waits for."""
    found = campaigns.find(tx, campaign)
    if found is None:
        raise NotFound("CAMPAIGN_NOT_FOUND", f"campaigns/{campaign} does not exist", campaign=campaign)
    now = situation.read(tx, found)
    known = _Known(
        campaign=found,
        now=now,
        batch=batches.newest(tx, campaign),
        newest=models.newest(tx, campaign),
        promoted_us=now.promoted and models.published_us(tx, campaign, now.promoted),
        at_work=any(job.kind in (situation.RANK, situation.RERANK) for job in live_jobs(tx, campaign)),
    )
    return [_awaited(known), *_gate(known)]


def _awaited(known: _Known) -> Cause:
    step = next_step(known.now)
    match step:
        case Rank():
            return _job(known, Cause(Kind.WAITING, "RANKING", sentence(step), known.promoted_us))
        case Select():
            return _job(known, Cause(Kind.WAITING, "SELECTION", sentence(step)))
        case Wait(awaited=Awaited.LABELS):
            return Cause(Kind.WAITING, Awaited.LABELS, _out(known.batch), _since(known, Awaited.LABELS))
        case Wait(awaited=awaited):
            remedy = _REMEDIES.get(awaited, "").format(campaign=known.campaign.id)
            kind = _KINDS.get(awaited, Kind.WAITING)
            return Cause(kind, awaited, step.sentence, _since(known, awaited), remedy)


def _job(known: _Known, cause: Cause) -> Cause:
    """Say so where the job that does it was cancelled, or failed for good."""
    if known.at_work:
        return cause
    remedy = "`aloft batch select {0}`" if cause.code == "SELECTION" else "`aloft ranking rerank {0}`"
    return replace(
        cause,
        kind=Kind.STUCK,
        waits_for=f"{cause.waits_for}; its job was cancelled, or failed for good",
        remedy=remedy.format(known.campaign.id),
    )


def _since(known: _Known, awaited: Awaited) -> int | None:
    match awaited:
        case Awaited.STOPPED | Awaited.PAUSED | Awaited.VERSION:
            return known.campaign.state_us
        case Awaited.POOL | Awaited.NEEDS:
            return known.promoted_us
        case Awaited.LABELS:
            return known.batch.created_us if known.batch else None
        case _:
            return known.batch.closed_us if known.batch else None


def _out(batch: Selected | None) -> str:
    assert batch is not None, "only a batch that is known can be out"
    short = f" ({batch.shortfall})" if batch.shortfall else ""
    return f"batch {batch.number} to be labelled: {batch.images} images were sent out{short}"


def _gate(known: _Known) -> Iterator[Cause]:
    """Say that the newest version is not the one that is selected from."""
    newest = known.newest
    if newest is None or newest.promoted:
        return
    stopped = known.now.state == "stopped"
    why = f": {newest.gate_failure}" if newest.gate_failure else ""
    use = f"; batches are selected under version {known.now.promoted}" if known.now.promoted else ""
    yield Cause(
        Kind.IDLE if stopped else Kind.WAITING,
        "GATE_FAILED",
        f"a version that passes the gate: version {newest.version} did not{why}{use}",
        newest.published_us,
        (_LEARN_ANEW if stopped else _LABEL_ON).format(known.campaign.id),
    )
