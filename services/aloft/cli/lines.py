"""A campaign as a log or a script watches it: a line for each change."""

from typing import Any

from aloft.cli.picture import state
from aloft.cli.snapshot import Snapshot
from aloft.cli.under_way import under_way


def news(seen: Snapshot) -> tuple[object, ...]:
    """Say what has to differ for a line of its own: counts and percentages change with every look."""
    models = () if seen.training is None else tuple(model.version for model in seen.training.models)
    of_labels: tuple[object, ...] = ()
    if seen.labels is not None:
        of_labels = (seen.labels.campaign.state, seen.labels.progress.open_batch)
    tenths = tuple((one.what, int(10 * one.part)) for one in under_way(seen))
    return (*of_labels, models, tenths, tuple((one.service, one.code) for one in seen.reasons))


def line(seen: Snapshot) -> str:
    """Say in a line where it stands."""
    said = [seen.name]
    if seen.labels is not None:
        said += [state(seen.labels.campaign), f"{seen.labels.progress.labelled_images} labelled"]
    said += [f"{one.what}: {one.said}" for one in under_way(seen)]
    if seen.training is not None and seen.training.models:
        model = seen.training.models[-1]
        score = f", score {model.score:.3f}" if model.HasField("score") else ""
        said.append(f"version {model.version}{score}")
    return f"{seen.at:%H:%M:%S} {'; '.join(said)}. {seen.verdict}"


def as_dict(seen: Snapshot) -> dict[str, Any]:
    """Write it for a script."""
    labels, training = seen.labels, seen.training
    return {
        "campaign": seen.name,
        "at": seen.at.isoformat().replace("+00:00", "Z"),
        "state": state(labels.campaign) if labels else None,
        "labelled_images": labels.progress.labelled_images if labels else None,
        "under_way": [one._asdict() for one in under_way(seen)],
        "versions": [
            {
                "version": model.version,
                "label_revision": model.label_revision,
                "score": model.score if model.HasField("score") else None,
                "promoted": model.promoted,
            }
            for model in (training.models if training else ())
        ],
        "verdict": seen.verdict,
        "reasons": [reason.as_dict() for reason in seen.reasons],
    }
