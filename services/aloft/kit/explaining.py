"""Why a campaign stands where it stands: the causes that a service names, in the words of the command line.

What is alike in all services is named by `aloft.kit.common_causes`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aloft.kit.database import Transaction


class Kind(StrEnum):
    """What a cause asks of whoever reads it, the most pressing first."""

    STUCK = "stuck"
    """It does not go on until somebody does what the remedy says."""
    WORKING = "working"
    """The service is at work on it."""
    WAITING = "waiting"
    """Another service or people are to act, as usual."""
    IDLE = "idle"
    """There is nothing to do."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that a service waits for."""

    kind: Kind
    code: str
    """Upper snake case, for scripts."""
    waits_for: str
    """A sentence."""
    since_us: int | None = None
    remedy: str = ""
    """What to do about it; empty where nothing is to be done."""


Explain = Callable[[Transaction, str], Sequence[Cause]]
"""(transaction, campaign): what the service itself waits for. An unknown campaign raises `NotFound`."""
