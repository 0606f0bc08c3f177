"""What a campaign may still spend, and when it has spent all."""

from dataclasses import dataclass

from aloft.api.labels.v1 import campaign_pb2 as pb


@dataclass(frozen=True, slots=True)
class Spending:
    """What a campaign has spent: labelled images, and the annotations that it took."""

    labelled_images: int
    annotations: int


def room(budget: pb.Budget, spent: Spending, in_flight: int) -> int | None:
    """Say how many more images may be sent out; None is no limit. What is out counts until it comes back."""
    left = []
    if budget.images:
        left.append(budget.images - spent.labelled_images - in_flight)
    if budget.annotations:
        left.append(budget.annotations - spent.annotations - in_flight)
    return max(0, min(left)) if left else None


def stop_reason(budget: pb.Budget, spent: Spending) -> str:
    """Name the budget that is spent; empty when none is."""
    if budget.images and spent.labelled_images >= budget.images:
        return "BUDGET_IMAGES"
    if budget.annotations and spent.annotations >= budget.annotations:
        return "BUDGET_ANNOTATIONS"
    return ""
