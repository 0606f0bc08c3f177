"""Why one image is, or is not, in a batch."""

from collections.abc import Callable, Sequence

from aloft.acquisition import ranking_pages
from aloft.acquisition.ranking_pages import Place
from aloft.acquisition.store import batches, images, rankings
from aloft.acquisition.store.batches import Picked
from aloft.acquisition.store.images import Fate
from aloft.acquisition.store.rankings import Ranking
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.kit import names
from aloft.kit.database import Transactions
from aloft.kit.objects.port import Objects

_STATES: dict[Fate, tuple["pb.SelectionExplanation.State.ValueType", str]] = {
    Fate.HELD_OUT: (pb.SelectionExplanation.STATE_HELD_OUT, "It is held out, to judge versions by."),
    Fate.QUARANTINED: (pb.SelectionExplanation.STATE_QUARANTINED, "It is quarantined: it cannot be used."),
    Fate.LABELLED: (pb.SelectionExplanation.STATE_LABELLED, "It is labelled."),
    Fate.SKIPPED: (pb.SelectionExplanation.STATE_SKIPPED, "Nobody could label it: it is not selected again."),
    Fate.OUT: (pb.SelectionExplanation.STATE_OUT, "It is out to be labelled."),
}


def explain_image(
    database: Transactions, objects: Objects, campaign: str, image: str, go_on: Callable[[], None]
) -> pb.SelectionExplanation:
    """Say which batches an image was in and why, and where it stands now."""
    with database.read() as tx:
        fate = images.fate(tx, campaign, image)
        picked = batches.picks_of(tx, campaign, image)
        made = rankings.newest(tx, campaign)
    # What is labelled or cannot be used has no place in a ranking made since: the others are looked for.
    place = None if made is None else ranking_pages.place_of(objects, made.key, image, go_on)
    state, why = _STATES.get(fate) or _free(made, place)
    return pb.SelectionExplanation(
        name=names.IMAGE.format(campaign, image),
        state=state,
        why=_after(why, picked),
        picks=[_pick(campaign, each) for each in picked],
        ranking=names.RANKING.format(campaign, made.id) if made else "",
        place=place.place if place else 0,
        ranked_images=made.images if made else 0,
        score=place.score if place else 0.0,
    )


def _free(made: Ranking | None, place: Place | None) -> tuple["pb.SelectionExplanation.State.ValueType", str]:
    if made is None:
        return pb.SelectionExplanation.STATE_NOT_RANKED, "Nothing is ranked yet."
    if place is None:
        why = (
            f"The ranking of version {made.version} has no place for it: either the campaign has no image of"
            " this id, or it is not embedded under that version, or what the network said of it are no finite"
            f" numbers ({made.left_out} images were left out so)."
        )
        return pb.SelectionExplanation.STATE_NOT_RANKED, why
    why = f"It waits at place {place.place} of {made.images} by {made.strategy} under version {made.version}."
    return pb.SelectionExplanation.STATE_RANKED, why


def _after(why: str, picked: Sequence[Picked]) -> str:
    if not picked:
        return f"{why} No batch has had it."
    last = picked[0]
    return (
        f"{why} Batch {last.batch} had it, by {last.strategy} under version {last.version}: {last.pick.why}"
    )


def _pick(campaign: str, found: Picked) -> pb.SelectionExplanation.Pick:
    return pb.SelectionExplanation.Pick(
        batch=found.batch,
        place=found.place,
        strategy=found.strategy,
        version=found.version,
        ranking=names.RANKING.format(campaign, found.ranking),
        score=found.pick.score,
        cluster=found.pick.cluster,
        why=found.pick.why,
    )
