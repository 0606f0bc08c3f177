"""What an import reads, as a stream: a listing of the pool bucket, or a manifest in it."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.errors import InvalidArgument
from aloft.kit.ids import image_id
from aloft.kit.objects.errors import BadKey, ObjectMissing
from aloft.kit.objects.port import ObjectInfo, Objects
from aloft.label_store.domain import verdicts
from aloft.label_store.domain.splits import BY_WORD, draw
from aloft.label_store.domain.verdicts import Verdicts

CLOSE = 0.75
"""How alike a column and a label are, from 0 to 1, where one is taken for a slip of the other."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a source: an object, or why there is none. `position` says where to go on behind it."""

    position: str
    key: str
    info: ObjectInfo | None = None
    split: pb.Split.ValueType = pb.SPLIT_POOL
    split_was_said: bool = False
    problem: str = ""
    verdicts: Verdicts | None = None
    """Its label set; None where the source has none."""
    remark: str = ""
    """What is odd about the source as a whole; such an entry is no line of it."""

    @property
    def image(self) -> str:
        """The id of its image."""
        return image_id(self.key)


@dataclass(frozen=True, slots=True)
class Listing:
    """Every object under a prefix. Empty objects and folders' own keys are no images."""

    prefix: str
    validation_fraction: float
    test_fraction: float

    def read(self, pool: Objects, after: str) -> Iterator[Entry]:
        """Walk the objects behind a key."""
        for info in pool.list(self.prefix, start_after=after):
            if info.size and not info.key.endswith("/"):
                split = draw(image_id(info.key), self.validation_fraction, self.test_fraction)
                yield Entry(info.key, info.key, info, split)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A CSV object with a header: `key`, and optionally `split` and columns named for labels."""

    key: str
    labels: Sequence[str] = ()

    def read(self, pool: Objects, after: str) -> Iterator[Entry]:
        """Walk the lines behind a line's number."""
        try:
            with pool.stream(self.key) as pieces:
                lines = csv.DictReader(_lines(pieces))
                names = list(lines.fieldnames or ())
                self._check_header(names)
                if not after:
                    yield from self._remarks(names)
                for row in lines:
                    if lines.line_num > int(after or 0):
                        yield self._entry(pool, lines.line_num, row)
        except ObjectMissing:
            raise InvalidArgument.of(
                "manifest.key", f"the pool bucket has no object {self.key!r}", "MANIFEST_MISSING"
            ) from None
        except (UnicodeDecodeError, csv.Error) as wrong:
            raise self._unreadable(f"it is no CSV file in UTF-8: {wrong}") from None

    def _check_header(self, names: Sequence[str]) -> None:
        if "key" not in names:
            raise self._unreadable(
                "its first line must name a column `key`, and may name `split` and labels of the campaign;"
                f" it has {names!r}"
            )
        twice = sorted({name for name in names if names.count(name) > 1} & {"key", "split", *self.labels})
        if twice:
            raise self._unreadable(f"its first line names {', '.join(twice)} twice")
        for name in self._others(names):
            missing = {label.lower(): label for label in self.labels if label not in names}
            for meant in get_close_matches(name.strip().lower(), missing, 1, CLOSE):
                # It would make the label negative on every line, and no import corrects a label set.
                label = missing[meant]
                raise self._unreadable(f"its first line names {name!r} and not {label!r}: spell the label so")

    def _others(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name not in {"key", "split", *self.labels}]

    def _remarks(self, names: Sequence[str]) -> Iterator[Entry]:
        if others := self._others(names):
            text = f"line 1: no label of the campaign, so passed over: {', '.join(map(repr, others))}"
            yield Entry("1", "", remark=text)

    def _unreadable(self, why: str) -> InvalidArgument:
        return InvalidArgument.of(
            "manifest.key", f"{self.key!r} cannot be read: {why}", "MANIFEST_UNREADABLE"
        )

    def _entry(self, pool: Objects, line: int, row: dict[str, str | None]) -> Entry:
        key = (row.get("key") or "").strip()
        word = (row.get("split") or "").strip().lower()
        if not key:
            return Entry(str(line), "", problem=f"line {line}: it names no key")
        if word not in BY_WORD:
            problem = f"line {line}: split is pool, validation or test, not {word!r}"
            return Entry(str(line), key, problem=problem)
        try:
            said = verdicts.read_cells({label: row[label] or "" for label in self.labels if label in row})
        except ValueError as wrong:
            return Entry(str(line), key, problem=f"line {line}: {wrong}")
        try:
            info = pool.stat(key)
        except ObjectMissing:
            return Entry(str(line), key)
        except BadKey as wrong:
            return Entry(str(line), key, problem=f"line {line}: {wrong}")
        return Entry(str(line), key, info, BY_WORD[word], split_was_said=bool(word), verdicts=said)


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + decode(piece)).split("\n")
        yield from (f"{line}\n" for line in whole)
    rest += decode(b"", final=True)
    if rest:
        yield rest
