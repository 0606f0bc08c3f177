"""The errors that a use case raises and a client sees: one small tree. `aloft.kit.rpc` maps it to gRPC."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that is wrong, and how to mend it."""

    field: str
    description: str


class AloftError(Exception):
    """Something that a client can do something about. A reason in UPPER_SNAKE names it for programs."""

    def __init__(self, reason: str, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = metadata


class InvalidArgument(AloftError):
    """The request is wrong whatever the state of the system."""

    def __init__(
        self, reason: str, message: str, violations: tuple[FieldViolation, ...] = (), **metadata: str
    ) -> None:
        super().__init__(reason, message, **metadata)
        self.violations = violations

    @classmethod
    def of(cls, field: str, description: str, reason: str = "INVALID_FIELD") -> "InvalidArgument":
        """Name the one field that is wrong and the fix."""
        return cls(reason, f"{field}: {description}", (FieldViolation(field, description),))


class Unauthenticated(AloftError):
    """The caller did not prove who it is."""


class PermissionDenied(AloftError):
    """The caller is known and may not do this."""


class NotFound(AloftError):
    """What the request names does not exist, or not for this caller."""


class AlreadyExists(AloftError):
    """What the request would create is there already."""


class FailedPrecondition(AloftError):
    """The state of the system forbids it now; the message says what would have to change."""


class Aborted(AloftError):
    """Somebody else was faster (an etag, a fence): read again and retry."""


class ResourceExhausted(AloftError):
    """A quota is used up until `retry_after_s` has passed."""

    def __init__(self, reason: str, message: str, retry_after_s: float, **metadata: str) -> None:
        super().__init__(reason, message, **metadata)
        self.retry_after_s = retry_after_s


class Unavailable(AloftError):
    """Something it needs is away; the same call may succeed after `retry_after_s`."""

    def __init__(self, reason: str, message: str, retry_after_s: float = 1.0, **metadata: str) -> None:
        super().__init__(reason, message, **metadata)
        self.retry_after_s = retry_after_s
