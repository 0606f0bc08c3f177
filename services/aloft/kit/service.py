"""A service as its composition root hands it over: loops to step and servicers to serve, nothing global."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aloft.kit.database.database import Transactions
from aloft.kit.objects.port import Objects
from aloft.kit.steps import Step, Wake

if TYPE_CHECKING:  # the bus makes loops, which are defined here
    from aloft.kit.bus.port import Bus


@dataclass(frozen=True, slots=True)
class Ports:
    """What a service stands on. Production, embedded and fault tests differ in it alone."""

    database: Transactions
    bus: "Bus"
    objects: Objects
    """The aloft bucket."""
    pool: Objects
    """The user's bucket of images: read only."""
    worker: str
    """This process's name, in leases and logs."""
    receive_wait_s: float = 0.0
    """How long a receiver waits at the broker for a first message; 0 where steps are taken by hand."""
    hearts: bool = False
    """Whether a thread keeps a job's lease alive between its checkpoints: in production."""


@dataclass(frozen=True, slots=True)
class Servicer:
    """An object with the methods of one gRPC service, and the generated function that registers it."""

    register: Callable[[Any, Any], None]
    methods: Any
    full_name: str


@dataclass(frozen=True, slots=True)
class Background:
    """A step, what wakes it in this process, and how many threads run it."""

    step: Step
    wake: Wake | None = None
    threads: int = 1
    leave: Callable[[], None] | None = None
    """Called when the loop is to end after the step that it is in, to shorten that step."""
    close: Callable[[], None] | None = None
    """Called once the loop has ended."""


@dataclass(frozen=True, slots=True)
class Service:
    """What `app.build(...)` returns: for the production runner and for tests that step by hand alike."""

    name: str
    database: Transactions | None
    """None where a service keeps nothing of its own."""
    servicers: Sequence[Servicer]
    backgrounds: Sequence[Background]
    close: Sequence[Callable[[], None]] = field(default_factory=tuple)
    problem: Callable[[], str] | None = None
    """Says what, beside its loops and its database, keeps it from being ready; "" if nothing does."""
