"""What a campaign may still spend, and when it has spent all."""

from dataclasses import dataclass

from aloft.api.labels.v1 import campaign_pb2 as pb


@dataclass(frozen=True, slots=True)
class Spending:
    """What a campaign has spent: labelled images, and the annotations that it took."""

    labelled_images: int
    annotations: int


@dataclass(frozen=True, slots=True)
class InFlight:
    """What is out and will be spent when it comes back: images, and the annotations that they still need."""

    images: int = 0
    annotations: int = 0


def room(budget: pb.Budget, spent: Spending, out: InFlight, overlap: int) -> int | None:
    """Say how many more images may be sent out; None is no limit. What is out counts until it comes back."""
    left = []
    if budget.images:
        left.append(budget.images - spent.labelled_images - out.images)
    if budget.annotations:
        left.append((budget.annotations - spent.annotations - out.annotations) // overlap)
    return max(0, min(left)) if left else None


def stop_reason(budget: pb.Budget, spent: Spending, out: InFlight, overlap: int) -> str:
    """Name the budget that is spent; empty when none is.

    One of annotations is spent when nothing is out and what is left does not pay for one more image.
    """
    if budget.images and spent.labelled_images >= budget.images:
        return "BUDGET_IMAGES"
    left = budget.annotations - spent.annotations
    if budget.annotations and (left <= 0 or (left < overlap and not out.annotations)):
        return "BUDGET_ANNOTATIONS"
    return ""
