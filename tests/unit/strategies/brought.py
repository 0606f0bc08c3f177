"""Declarations that tests let installed packages bring, sound and broken."""

from aloft.strategies.extension import Entry, Kind, Needs

CODE = "aloft.strategies.mge:scorer"

SOUND = Entry("sound", Kind.SCORE, "A score.", CODE, Needs(logits=True), "reads logits")
ENTROPY = Entry("entropy", Kind.SCORE, "Another entropy.", CODE, Needs(logits=True), "reads logits")
OTHERWISE_CALLED = Entry("otherwise", Kind.SCORE, "A score.", CODE)
WRAPPER = Entry("wrapper", Kind.WRAPPER, "A wrapper.", CODE)
STRANGELY_WRAPPED = Entry("strangely_wrapped", Kind.SCORE, "A score.", CODE, wrappers=("median",))
UNWRITTEN = Entry("unwritten", Kind.SCORE, "A score.", CODE, Needs(columns=("depth",)))
NOWHERE = Entry("nowhere", Kind.SCORE, "A score.", "aloft.strategies.nowhere:scorer")
NO_ENTRY = "mge"
