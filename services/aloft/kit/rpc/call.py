"""What a servicer method is told beside its request: who calls, and how long they wait."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, TypeVar

from aloft.kit.errors import AloftError, NotFound

_ATTRIBUTE = "__aloft_roles__"


class Role(StrEnum):
    """What kind of caller it is. Every method names the roles that may call it."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VENDOR = "vendor"
    SERVICE = "service"


class DeadlineExceeded(AloftError):
    """The caller has stopped waiting."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a resource name such as `vendors/acme`, and the campaigns it may see (None: all)."""

    name: str
    role: Role
    campaigns: frozenset[str] | None = None

    def may_see(self, campaign: str) -> bool:
        """Whether this caller may know of the campaign."""
        return self.campaigns is None or campaign in self.campaigns

    def require_campaign(self, campaign: str) -> None:
        """Raise `NotFound` unless it may see the campaign: a vendor must not learn what exists."""
        if not self.may_see(campaign):
            raise NotFound("CAMPAIGN_NOT_FOUND", f"campaigns/{campaign} does not exist", campaign=campaign)


ANYONE = Principal("", Role.VENDOR, frozenset())
"""Who calls a method that asks for no key: a name and rights of nobody."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `deadline_s` is the monotonic second at which the caller stops waiting."""

    principal: Principal
    deadline_s: float
    traceparent: str = ""
    method: str = ""

    @classmethod
    def by(cls, principal: Principal, seconds: float = 30.0, method: str = "") -> Self:
        """Make a call as that caller would: for tests, and for one use case that calls another."""
        return cls(principal, time.monotonic() + seconds, method=method)

    def remaining(self) -> float:
        """Seconds until the caller stops waiting, never below zero."""
        return max(0.0, self.deadline_s - time.monotonic())

    def check(self) -> None:
        """Raise `DeadlineExceeded` if nobody waits any more: long methods ask between their parts."""
        if self.remaining() == 0.0:
            raise DeadlineExceeded("DEADLINE_EXCEEDED", "the deadline of the call passed before it was done")


Method = TypeVar("Method", bound=Callable[..., Any])


def allow(*roles: Role) -> Callable[[Method], Method]:
    """Say which roles may call a servicer method. A server does not start with a method that says nothing."""
    if not roles:
        raise ValueError("allow() names no role: use @allow_anyone for a method that needs no key")
    return _marked(frozenset(roles))


def allow_anyone(method: Method) -> Method:
    """Say that a servicer method asks for no key."""
    return _marked(frozenset())(method)


def allowed(method: Callable[..., Any]) -> frozenset[Role] | None:
    """Say which roles may call a method: empty for anyone, None where it does not say."""
    roles: frozenset[Role] | None = getattr(method, _ATTRIBUTE, None)
    return roles


def _marked(roles: frozenset[Role]) -> Callable[[Method], Method]:
    def mark(method: Method) -> Method:
        setattr(method, _ATTRIBUTE, roles)
        return method

    return mark
