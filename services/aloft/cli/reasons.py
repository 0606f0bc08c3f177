"""Why a campaign stands where it stands: the answers of all services, joined and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import grpc

from aloft.api.explanation.v1.explanation_service_pb2 import (
    Cause,
    ExplainCampaignRequest,
    ExplainCampaignResponse,
)
from aloft.api.explanation.v1.explanation_service_pb2_grpc import ExplanationServiceStub
from aloft.cli.everyone import ORDER, Question
from aloft.cli.output import STUCK, UNREACHABLE
from aloft.kit.errors import AloftError, NotFound


class Standing(StrEnum):
    """How a campaign, or one cause in it, stands; the most pressing first."""

    UNREACHABLE = "unreachable"
    STUCK = "stuck"
    MOVING = "moving"
    WAITING = "waiting"
    IDLE = "idle"


EXIT_CODES = {Standing.UNREACHABLE: UNREACHABLE, Standing.STUCK: STUCK}
"""What `aloft campaign why` ends with; 0 for the rest."""
_STANDINGS = {
    Cause.KIND_STUCK: Standing.STUCK,
    Cause.KIND_WORKING: Standing.MOVING,
    Cause.KIND_WAITING: Standing.WAITING,
    Cause.KIND_IDLE: Standing.IDLE,
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that a service waits for."""

    service: str
    standing: Standing
    code: str
    waits_for: str
    since: datetime | None = None
    remedy: str = ""

    def as_dict(self) -> dict[str, str | None]:
        """Write it for a script."""
        return {
            "service": self.service,
            "standing": self.standing.value,
            "code": self.code,
            "waits_for": self.waits_for,
            "since": self.since.isoformat().replace("+00:00", "Z") if self.since else None,
            "remedy": self.remedy,
        }


def questions(campaign: str) -> Mapping[str, Question[ExplainCampaignResponse]]:
    """Say what each service is asked."""

    def explain(channel: grpc.Channel) -> ExplainCampaignResponse:
        request = ExplainCampaignRequest(name=f"campaigns/{campaign}")
        answer: ExplainCampaignResponse = ExplanationServiceStub(channel).ExplainCampaign(request)
        return answer

    return dict.fromkeys(ORDER, explain)


def joined(answers: Mapping[str, ExplainCampaignResponse | AloftError]) -> Sequence[Reason]:
    """Join the answers, the most pressing first."""
    found = [reason for service in ORDER for reason in _reasons(service, answers[service])]
    return sorted(found, key=lambda reason: list(Standing).index(reason.standing))


def _reasons(service: str, answer: ExplainCampaignResponse | AloftError) -> Sequence[Reason]:
    if isinstance(answer, NotFound):
        waits = "the event that makes the campaign known to it"
        remedy = "if it does not come, look at the label store and the broker"
        return [Reason(service, Standing.WAITING, "CAMPAIGN_UNKNOWN", waits, None, remedy)]
    if isinstance(answer, AloftError):
        remedy = f"start {service}, or mend what it stands on; the others go on as far as they can"
        return [Reason(service, Standing.UNREACHABLE, answer.reason, answer.message, None, remedy)]
    causes = [_reason(service, cause) for cause in answer.causes]
    return causes or [Reason(service, Standing.IDLE, "IDLE", "nothing")]


def _reason(service: str, cause: Cause) -> Reason:
    since = cause.since.ToDatetime(UTC) if cause.HasField("since") else None
    standing = _STANDINGS.get(cause.kind, Standing.WAITING)
    return Reason(service, standing, cause.code, cause.waits_for, since, cause.remedy)


def verdict(reasons: Sequence[Reason]) -> tuple[Standing, str]:
    """Say in a line how the campaign stands: by the most pressing reason."""
    first = reasons[0]
    alike = {reason.service for reason in reasons if reason.standing is first.standing}
    more = f" (and {len(alike) - 1} more)" if len(alike) > 1 else ""
    waits = f"{first.service} waits for {first.waits_for}"
    sentences = {
        Standing.UNREACHABLE: f"{first.service}{more} cannot be reached",
        Standing.STUCK: f"Stuck: {waits}",
        Standing.MOVING: f"Moving: {waits}",
        Standing.WAITING: f"Waiting: {waits}",
        Standing.IDLE: "At rest: no service has anything to do",
    }
    return first.standing, sentences[first.standing].rstrip(".") + "."


def age(since: datetime | None, now: datetime) -> str:
    """Say for how long, in the largest unit that fits."""
    if since is None:
        return ""
    return duration(max(0.0, (now - since).total_seconds()))


def duration(seconds: float) -> str:
    """Write a duration for a person."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
