"""What the agent asks of whatever answers predictions. Adapters: `torchserve.adapter`, `inprocess`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aloft.kit.errors import FailedPrecondition, Unavailable
from aloft.serving.answers import Answer as Answer


@dataclass(frozen=True, slots=True)
class Registered:
    """One version as it is served."""

    campaign: str
    version: int
    digest: str
    """Of its archive; empty where somebody else registered it under a name that does not say."""
    ready: bool
    """Whether all of its workers have loaded it."""
    default: bool
    """Whether it answers where no version is named."""
    workers: int


class Serving(Protocol):
    """A model server. A version is registered under its campaign, and its archive's digest goes with it."""

    @property
    def workers_per_version(self) -> int:
        """How many workers it gives each version."""

    def registered(self) -> list[Registered]:
        """Describe everything that is registered."""

    def register(self, campaign: str, version: int, digest: str, archive: bytes) -> None:
        """Load a version, workers included, before it returns; the first of a campaign is its default.

        One that is registered from the same archive is left as it is; from another, `OtherArchive` is raised.
        """

    def predict(self, campaign: str, version: int | None, images: Sequence[bytes]) -> list[Answer]:
        """Answer images under a version, or under the default."""

    def set_default(self, campaign: str, version: int) -> None:
        """Have a registered version answer where none is named."""

    def unregister(self, campaign: str, version: int) -> None:
        """Stop serving a version; one that is not there is no error. A default goes only as the last."""

    def clear(self) -> None:
        """Remove what an earlier life left in the model store; what is served stays served."""


class ServerAway(Unavailable):
    """The model server does not answer, or not yet; the same call may succeed later."""

    def __init__(self, message: str) -> None:
        super().__init__("MODEL_SERVER_UNAVAILABLE", message)


class ServerRefused(FailedPrecondition):
    """The model server will not do it however often it is asked."""

    def __init__(self, message: str) -> None:
        super().__init__("MODEL_SERVER_REFUSED", message)


class OtherArchive(FailedPrecondition):
    """The version is registered, but from another archive."""

    def __init__(self, campaign: str, version: int, found: str) -> None:
        named = found or "one whose name has no digest"
        super().__init__(
            "OTHER_ARCHIVE_REGISTERED",
            f"version {version} of {campaign} is registered already, from another archive: {named}",
        )
