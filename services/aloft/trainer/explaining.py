"""Why the training of a campaign stands where it stands."""

from collections.abc import Iterator, Sequence

from aloft.kit.clock import SECOND
from aloft.kit.database import Transaction
from aloft.kit.explaining import Cause, Explain, Kind
from aloft.kit.jobs import Job, Jobs, State
from aloft.trainer.domain.campaign import Campaign
from aloft.trainer.domain.campaign import State as CampaignState
from aloft.trainer.domain.due import FineTune, MakeBase, Wait, Waits, next_step
from aloft.trainer.domain.models import Report
from aloft.trainer.domain.runs import FINE_TUNE, Run
from aloft.trainer.store import campaigns, models, runs, servings, situation

_KINDS = {
    Waits.NO_IMAGES: Kind.WAITING,
    Waits.CAMPAIGN_PAUSED: Kind.WAITING,
    Waits.LABEL_REVISIONS: Kind.WAITING,
    Waits.EVALUATION_BATCH: Kind.WAITING,
    Waits.LABELS: Kind.IDLE,
    Waits.CAMPAIGN_STOPPED: Kind.IDLE,
}
_REMEDIES = {
    Waits.NO_IMAGES: "import images, as with `aloft images import`",
    Waits.CAMPAIGN_PAUSED: "aloft campaign resume {campaign}",
    Waits.EVALUATION_BATCH: "have the evaluation batch labelled",
}
FETCHING_US = 120 * SECOND
"""How long pods may take to serve a version before somebody is to look."""
LEARN_ANEW = "`aloft campaign update {campaign} --gate SCORE`, then `aloft run create {campaign} --fine-tune`"
AGAIN = "mend what the error names, then `aloft run create {campaign}{flag}`"


def explain(jobs: Jobs) -> Explain:
    """Make the function that says what the trainer waits for in a campaign."""

    def causes(tx: Transaction, name: str) -> Sequence[Cause]:
        campaign = campaigns.get(tx, name)
        return [*_training(tx, jobs, campaign), *_failed_gate(tx, campaign), *_serving(tx, campaign)]

    return causes


def waiting_for(tx: Transaction, jobs: Jobs, name: str) -> str:
    """Say in a sentence what training waits for, or does; nothing where it is only idle."""
    live = situation.live_run(tx, jobs, name)
    if live is not None:
        return _at_work(live)
    found = list(_training(tx, jobs, campaigns.get(tx, name)))
    pressing = sorted(found, key=lambda cause: list(Kind).index(cause.kind))
    return pressing[0].waits_for if pressing and pressing[0].kind is not Kind.IDLE else ""


def _training(tx: Transaction, jobs: Jobs, campaign: Campaign) -> Iterator[Cause]:
    live = situation.live_run(tx, jobs, campaign.id)
    if live is not None:
        # Of a run that is queued the jobs themselves say what it waits for.
        if live.state is State.RUNNING:
            yield Cause(Kind.WORKING, "RUN_AT_WORK", _at_work(live), live.started_us)
        return
    yield from _failed_run(tx, jobs, campaign)
    step = next_step(situation.read(tx, jobs, campaign))
    match step:
        case Wait(what, sentence) if what in _KINDS:
            remedy = _REMEDIES.get(what, "").format(campaign=campaign.id)
            yield Cause(_KINDS[what], what.value, sentence, campaign.heard_us or None, remedy)
        case MakeBase() | FineTune():
            # The job behind the last run begins it: between the two there is a moment.
            yield Cause(Kind.WAITING, "RUN_DUE", "a run that is about to be created", campaign.heard_us)


def _failed_run(tx: Transaction, jobs: Jobs, campaign: Campaign) -> Iterator[Cause]:
    last = next(iter(runs.newest(tx, campaign.id)), None)
    if last is None or models.find(tx, campaign.id, last.version) is not None:
        return
    job = jobs.get(tx, last.job)
    remedy = AGAIN.format(campaign=campaign.id, flag=" --fine-tune" if last.kind == FINE_TUNE else "")
    yield Cause(Kind.STUCK, "RUN_FAILED", _failed(last, job), job.ended_us, remedy)


def _failed_gate(tx: Transaction, campaign: Campaign) -> Iterator[Cause]:
    newest = next(iter(models.newest(tx, campaign.id)), None)
    if newest is not None and newest.gate_failure:
        said = f"version {newest.version} was not promoted: {newest.gate_failure}"
        if campaign.state is not CampaignState.STOPPED:
            sentence = f"a better version, from the next batch: {said}"
            yield Cause(Kind.WAITING, "GATE_FAILED", sentence, newest.created_us)
            return
        # All labels are spent: where nothing that learned from them may be used, somebody has to decide.
        used = models.newest(tx, campaign.id, base=False, promoted=True)
        sentence = f"another gate, or another run: {said}"
        yield Cause(
            Kind.IDLE if used else Kind.STUCK,
            "GATE_FAILED",
            sentence,
            newest.created_us,
            LEARN_ANEW.format(campaign=campaign.id),
        )


def _serving(tx: Transaction, campaign: Campaign) -> Iterator[Cause]:
    for desired in servings.unserved(tx, campaign.id):
        reports = servings.reports(tx, campaign.id)
        failed = any(each.error and each.version == desired.version for each in reports)
        late = tx.now() - desired.changed_us > FETCHING_US
        said = "; ".join(map(_reported, reports)) or "no pod reports"
        sentence = f"version {desired.version} to be served: {said}"
        remedy = "look at the serving agents: it is tried again by itself, without training"
        # On its way is how every version begins: fetched, registered, asked for golden outputs.
        kind = Kind.STUCK if failed or late else Kind.WAITING
        yield Cause(kind, "UNSERVED", sentence, desired.changed_us, remedy)


def _reported(report: Report) -> str:
    return f"{report.pod}: {report.error or f'version {report.version} {report.state}'}"


def _at_work(job: Job) -> str:
    run, at = job.payload["version"], job.progress
    if job.state is State.RUNNING:
        many = f", {at.done} of {at.total}" if at.total > 1 else ""
        return f"run {run}, which is at work: {at.stage or 'starting'}{many}"
    return f"run {run}: " + (f"its last attempt failed: {job.error}" if job.error else "it is queued")


def _failed(run: Run, job: Job) -> str:
    error = f": {job.error}" if job.error else ""
    what = f" on label revision {run.label_revision}" if run.kind == FINE_TUNE else ""
    return f"another run{what}, to be created by an operator: run {run.version} {job.state.value}{error}"
