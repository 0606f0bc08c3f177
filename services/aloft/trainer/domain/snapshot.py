"""The images that a run learns from, and what is said of each: pinned, so that every attempt has the same."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

FORMAT = "aloft.snapshot/1"


class Split(StrEnum):
    """What an image is for. Those of the pool are trained on."""

    POOL = "pool"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Item:
    """One image as it was registered, and its label set where it has one."""

    image: str
    version: int
    key: str
    etag: str
    split: Split = Split.POOL
    positive: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    """Every label that is neither positive nor unsure is negative."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one run learns from."""

    campaign: str
    label_revision: int
    """0 of images without labels."""
    labels: tuple[str, ...]
    quarantined: int
    """Images that are left out because they are known to be unusable."""
    items: tuple[Item, ...]

    def of(self, split: Split) -> Sequence[Item]:
        """Take those for one purpose."""
        return [item for item in self.items if item.split is split]

    def to_bytes(self) -> bytes:
        """Write it, a line an image: the same bytes for the same content."""
        head = {name: getattr(self, name) for name in ("campaign", "label_revision", "labels", "quarantined")}
        lines = [{"format": FORMAT, **head}, *map(asdict, self.items)]
        return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Snapshot":
        """Read what `to_bytes` wrote."""
        head, *lines = map(json.loads, data.decode().splitlines())
        if head["format"] != FORMAT:
            raise ValueError(f"a snapshot of the format {head['format']!r}, not {FORMAT!r}")
        return cls(
            campaign=head["campaign"],
            label_revision=head["label_revision"],
            labels=tuple(head["labels"]),
            quarantined=head["quarantined"],
            items=tuple(_item(line) for line in lines),
        )


def _item(line: dict[str, object]) -> Item:
    said = {**line, "split": Split(str(line["split"]))}
    for name in ("positive", "unsure"):
        said[name] = tuple(said[name])  # type: ignore[arg-type]
    return Item(**said)  # type: ignore[arg-type]
