"""Where an image that is out with a batch stands, by what became of its tasks."""

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """What is to be done with an image."""

    AWAITED = "awaited"
    """Somebody is labelling it, or may still begin to."""
    LABELLED = "labelled"
    """Who was to label it did; those who skipped it do not count."""
    SKIPPED = "skipped"
    """Who looked at it could not label it."""
    LEFT = "left"
    """Nobody looked at it, and nobody will."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The tasks of one image, counted. The leased ones are open too."""

    open: int = 0
    leased: int = 0
    done: int = 0
    skipped: int = 0


def goes_on(*, batch_is_open: bool, annotated: bool, ended: bool) -> bool:
    """Whether the open tasks of an image may be leased anew.

    In a closed batch only those of an image with an annotation may: it is honoured whole. None may where it
    `ended` for the image: its campaign stopped, it is quarantined, or every vendor skipped it.
    """
    return not ended and (batch_is_open or annotated)


def standing(tally: Tally, *, goes_on: bool) -> Standing:
    """Say where an image stands. What is leased is awaited in any case."""
    if tally.leased or (tally.open and goes_on):
        return Standing.AWAITED
    if tally.done:
        return Standing.LABELLED
    return Standing.SKIPPED if tally.skipped else Standing.LEFT
