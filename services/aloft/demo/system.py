"""What a stage has to know of the system that it shows: its processes, where they answer, what is beneath."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aloft.serving.port import Serving

SERVICES = ("label-store", "embedding", "acquisition", "trainer")


@dataclass(frozen=True, slots=True)
class Process:
    """A module to be run as a process of its own."""

    name: str
    command: tuple[str, ...]
    """The module, and its arguments."""
    env: Mapping[str, str] = field(default_factory=dict)
    """What it is told beside what all are."""


class System(Protocol):
    """Aloft in one process on a folder, or in five on servers."""

    @property
    def prefix(self) -> str:
        """What campaigns' names begin with, where others have campaigns too."""

    @property
    def targets(self) -> Mapping[str, str]:
        """Where each service answers."""

    @property
    def ran_on(self) -> Mapping[str, str]:
        """What each server is, by its name; none where nothing but a folder is needed."""

    @property
    def serving(self) -> Serving | None:
        """The model server that anybody can ask; none where versions answer inside a service."""

    @property
    def orderly(self) -> bool:
        """Whether processes are asked to end, because servers hold things for one that is killed."""

    def processes(self) -> Sequence[Process]:
        """Say what is to be started."""

    def bootstrap(self) -> Process:
        """Say what prints the first administrator's key."""

    def take_in(self, pool: Path) -> None:
        """Bring the images of a folder to where the services read them."""
