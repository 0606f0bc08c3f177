"""What annotators say: whether it fits the taxonomy, and the consensus that becomes the label set."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

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


_CELLS = {"1": pb.VERDICT_POSITIVE, "0": pb.VERDICT_NEGATIVE, "?": pb.VERDICT_UNSURE}


def read_cells(cells: Mapping[str, str]) -> Verdicts | None:
    """Read a label set from cells of a manifest, in the order of the taxonomy; None where all are empty.

    A label whose cell is empty is negative where another is not, as in an annotation. Raises ValueError.
    """
    filled = {label: text.strip() for label, text in cells.items() if text.strip()}
    for label, text in filled.items():
        if text not in _CELLS:
            raise ValueError(f"{label} is 1, 0, ? (unsure) or empty, not {text!r}")
    if not filled:
        return None
    said = {label: int(_CELLS[text]) for label, text in filled.items()}
    return {label: verdict for label, verdict in said.items() if verdict != pb.VERDICT_NEGATIVE}


def consensus(annotations: Sequence[Verdicts], labels: Iterable[str]) -> Verdicts:
    """Agree on a label set: of each label what most annotators said, and unsure where no verdict leads."""
    agreed = {label: _most(annotations, label) for label in labels}
    return {label: verdict for label, verdict in agreed.items() if verdict != pb.VERDICT_NEGATIVE}


def _most(annotations: Sequence[Verdicts], label: str) -> int:
    said = Counter(annotation.get(label, int(pb.VERDICT_NEGATIVE)) for annotation in annotations)
    (first, times), *others = said.most_common()
    return int(pb.VERDICT_UNSURE) if others and others[0][1] == times else first


def messages(verdicts: Verdicts) -> list[pb.LabelVerdict]:
    """Write verdicts as the contracts have them."""
    return [
        pb.LabelVerdict(label=label, verdict=pb.Verdict.ValueType(verdict))
        for label, verdict in verdicts.items()
    ]
