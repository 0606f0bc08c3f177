"""Whether a call is let in: it has a deadline, there is room, its key is good, and its role may."""

import time
from collections.abc import Mapping

from aloft.kit.errors import InvalidArgument, PermissionDenied, ResourceExhausted, Unauthenticated
from aloft.kit.rpc.call import ANYONE, Call, Principal, Role
from aloft.kit.rpc.verifiers import Verifier

BEARER = "bearer "


class Room:
    """Counts the calls in flight. Only the loop's thread touches it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0

    def enter(self) -> None:
        """Take a place, or raise. Health checks take none: a busy server is not a dead one."""
        if self._used >= self._limit:
            raise ResourceExhausted(
                "TOO_MANY_CALLS", f"{self._limit} calls are in flight; try again", 1.0, limit=str(self._limit)
            )
        self._used += 1

    def leave(self) -> None:
        """Give the place back."""
        self._used -= 1


def deadline(remaining_s: float | None) -> float:
    """Say the monotonic second at which the caller stops waiting; refuse one that would wait for ever."""
    if remaining_s is None:
        raise InvalidArgument(
            "DEADLINE_REQUIRED",
            "the call has no deadline: set one, such as 30 s (most clients call it timeout)",
        )
    return time.monotonic() + remaining_s


def admit(call: Call, metadata: Mapping[str, str], roles: frozenset[Role], verifier: Verifier) -> Principal:
    """Say who calls, or raise: it must be somebody, and of a role that may. May ask another service."""
    call.check()
    if not roles:
        return ANYONE
    scheme = metadata.get("authorization", "")
    if not scheme.lower().startswith(BEARER):
        raise Unauthenticated("KEY_MISSING", "send an API key as metadata `authorization: Bearer <key>`")
    principal = verifier.verify(scheme[len(BEARER) :].strip())
    if principal is None:
        raise Unauthenticated("KEY_INVALID", "the API key is unknown, expired or revoked")
    if principal.role not in roles:
        may = ", ".join(sorted(roles))
        raise PermissionDenied(
            "ROLE_FORBIDDEN",
            f"{call.method} is for {may}; {principal.name} is {principal.role}",
            principal=principal.name,
            role=principal.role,
        )
    return principal
