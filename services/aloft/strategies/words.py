"""The words of an expression, one after another, and how it is refused at one of them."""

import re
from dataclasses import dataclass
from typing import NoReturn

from aloft.kit.errors import FieldViolation, InvalidArgument

LONGEST = 200
"""Characters of an expression: more than any has that means something."""

_WORD = re.compile(
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<mark>[+(),=])"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A name, a number or a mark; the last, after the end, is none and has no text."""

    kind: str
    text: str
    at: int
    """Characters before it."""


class Words:
    """Reads an expression word by word."""

    def __init__(self, expression: str, field: str) -> None:
        self._expression = expression
        self._field = field
        self._place = 0
        if len(expression) > LONGEST:
            self._refused(f"an expression has {LONGEST} characters at most, not {len(expression)}")
        self._words = self._split()

    @property
    def here(self) -> Word:
        """The word that comes next."""
        return self._words[self._place]

    def take(self) -> Word:
        """Go past the next word."""
        word = self.here
        self._place += bool(word.kind)
        return word

    def skip(self, mark: str) -> bool:
        """Go past a mark if it comes next."""
        return self.here.text == mark and bool(self.take())

    def name(self, wanted: str) -> Word:
        """Go past a name."""
        if self.here.kind != "name":
            self.refuse(f"{wanted} should be here" if self.here.text else f"{wanted} is missing")
        return self.take()

    def close(self, opened: Word) -> None:
        """Go past the parenthesis that closes another."""
        if self.skip(")"):
            return
        if self.here.text:
            self.refuse(f"{self.here.text!r} where a ) should be")
        self.refuse("a ( is not closed", opened)

    def refuse(self, sentence: str, at: Word | None = None, reason: str = "INVALID_STRATEGY") -> NoReturn:
        """Say what is wrong at a word, or at the next one."""
        word = at or self.here
        where = f"at character {word.at + 1}" if word.text else "at the end"
        self._refused(f"{sentence} ({where} of {self._expression!r})", reason)

    def _refused(self, description: str, reason: str = "INVALID_STRATEGY") -> NoReturn:
        raise InvalidArgument(reason, description, (FieldViolation(self._field, description),))

    def _split(self) -> tuple[Word, ...]:
        words, at = [], 0
        while at < len(self._expression):
            if self._expression[at].isspace():
                at += 1
            elif found := _WORD.match(self._expression, at):
                words.append(Word(found.lastgroup or "", found.group(), at))
                at = found.end()
            else:
                strange = Word("", self._expression[at], at)
                self.refuse(f"{strange.text!r} has no meaning in an expression", strange)
        return (*words, Word("", "", at))
