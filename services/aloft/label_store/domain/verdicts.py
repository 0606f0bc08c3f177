"""What annotators say: whether it fits the taxonomy, and the consensus that becomes the label set."""

from collections.abc import Iterable, Iterator, Sequence

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.errors import FieldViolation

Verdicts = dict[str, int]
"""Labels that are positive or unsure, in the order of the taxonomy; every other one is negative."""


def violations_of(
    verdicts: Iterable[pb.LabelVerdict], labels: Iterable[str], field: str
) -> Iterator[FieldViolation]:
    """Name every verdict that is on no label, on a label twice, or says nothing."""
    known = frozenset(labels)
    seen: set[str] = set()
    for index, verdict in enumerate(verdicts):
        at = f"{field}[{index}]"
        if verdict.label not in known:
            yield FieldViolation(f"{at}.label", f"the taxonomy has no label {verdict.label!r}")
        elif verdict.label in seen:
            yield FieldViolation(f"{at}.label", f"{verdict.label!r} is named before in the same annotation")
        if verdict.verdict not in (pb.VERDICT_POSITIVE, pb.VERDICT_NEGATIVE, pb.VERDICT_UNSURE):
            yield FieldViolation(f"{at}.verdict", "say POSITIVE, NEGATIVE or UNSURE")
        seen.add(verdict.label)


def said(verdicts: Iterable[pb.LabelVerdict], labels: Iterable[str]) -> Verdicts:
    """Keep what is not negative, in the order of the taxonomy."""
    by_label = {verdict.label: int(verdict.verdict) for verdict in verdicts}
    return {
        label: by_label[label]
        for label in labels
        if by_label.get(label, pb.VERDICT_NEGATIVE) != pb.VERDICT_NEGATIVE
    }


def consensus(annotations: Sequence[Verdicts]) -> Verdicts:
    """Agree on a label set: with an overlap of one, the one annotation is it."""
    (only,) = annotations
    return only


def messages(verdicts: Verdicts) -> list[pb.LabelVerdict]:
    """Write verdicts as the contracts have them."""
    return [
        pb.LabelVerdict(label=label, verdict=pb.Verdict.ValueType(verdict))
        for label, verdict in verdicts.items()
    ]
