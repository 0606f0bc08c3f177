"""The jobs that answer what would be selected: one selection, or several side by side. They write nothing."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import combinations

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from aloft.acquisition import metrics
from aloft.acquisition.choosing import Choice, Question, ask, check, choose
from aloft.acquisition.progress import Alive, telling
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.kit import names
from aloft.kit.database import Transactions
from aloft.kit.jobs import Lease
from aloft.kit.objects.port import Objects

PREVIEW = "preview"
"""The kind of job that says what would be selected."""
COMPARE = "compare"
"""The kind of job that says what several strategies would select."""


class PreviewJob:
    """Asks strategies what they would select from the pool of the newest ranking."""

    def __init__(self, database: Transactions, objects: Objects, most_s: float) -> None:
        self._database = database
        self._objects = objects
        self._most_s = most_s

    def preview(self, lease: Lease) -> Mapping[str, object]:
        """Say what one strategy would select, and why each image."""
        question = self._question(lease)
        with metrics.SECONDS.labels("preview").time():
            manifest = check(self._objects, question)
            (strategy,) = question.expressions.values()
            choice = choose(self._objects, question, manifest, strategy, self._alive(lease, ""))
        return _fields(
            pb.BatchSelection(
                version=question.ranking.version,
                images=len(choice.picks),
                strategy=choice.strategy,
                seed=question.seed,
                shortfall=choice.picks.shortfall,
                selected_images=[pb.SelectedImage(**asdict(pick)) for pick in choice.picks.picks],
                expected_positives=choice.expected,
            )
        )

    def compare(self, lease: Lease) -> Mapping[str, object]:
        """Say what several strategies would select, and how much of it each two share."""
        question = self._question(lease)
        with metrics.SECONDS.labels("compare").time():
            manifest = check(self._objects, question)
            choices = {
                asked: choose(self._objects, question, manifest, strategy, self._alive(lease, asked))
                for asked, strategy in question.expressions.items()
            }
        made = question.ranking
        return _fields(
            pb.StrategyComparison(
                version=made.version,
                ranking=names.RANKING.format(made.campaign, made.id),
                choices=[_choice(asked, choice) for asked, choice in choices.items()],
                overlaps=[
                    _overlap(one, other, choices[one], choices[other])
                    for one, other in combinations(choices, 2)
                ],
            )
        )

    def _question(self, lease: Lease) -> Question:
        asked = lease.job.payload
        seed = asked.get("seed")
        with self._database.read() as tx:
            return ask(
                tx,
                lease.job.campaign,
                tuple(asked["strategies"]),
                int(asked["size"]),
                None if seed is None else int(seed),
            )

    def _alive(self, lease: Lease, asked: str) -> Callable[[str], Alive]:
        return lambda stage: telling(lease, f"{stage} {asked}".strip(), self._most_s)


def _choice(asked: str, choice: Choice) -> pb.StrategyComparison.Choice:
    return pb.StrategyComparison.Choice(
        expression=asked,
        strategy=choice.strategy,
        images=len(choice.picks),
        shortfall=choice.picks.shortfall,
        expected_positives=choice.expected,
        seconds=choice.seconds,
    )


def _overlap(one: str, other: str, first: Choice, second: Choice) -> pb.StrategyComparison.Overlap:
    mine, theirs = set(first.picks.images), set(second.picks.images)
    either = len(mine | theirs)
    return pb.StrategyComparison.Overlap(
        first=one,
        second=other,
        images=len(mine & theirs),
        jaccard=len(mine & theirs) / either if either else 1.0,
    )


def _fields(message: Message) -> Mapping[str, object]:
    """Write a message as the result of a job."""
    return MessageToDict(message)
