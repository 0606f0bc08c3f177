"""`aloft stuck` and `aloft redrive`: what a service's inbox could not handle, next to its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aloft.cli.connection import Json
from aloft.cli.databases import opened
from aloft.cli.output import out, refusals, rows
from aloft.cli.services import NAMES
from aloft.kit.errors import NotFound

if TYPE_CHECKING:
    from aloft.kit.database import Database

Service = Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}, whose settings are at hand.")]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the embedded services; by default by settings.")
]


def stuck(service: Service, data_dir: DataDir = None, json: Json = False) -> None:
    """Show the events that a service gave up, or tries again later, and why."""
    from aloft.kit.bus.stuck import dead_events, parked_lanes

    with _inbox(service, data_dir) as database, database.read() as tx:
        found = [("dead", one) for one in dead_events(tx)] + [("parked", one) for one in parked_lanes(tx)]
    items = [
        {
            "state": state,
            "topic": one.topic,
            "key": one.key,
            "event": one.event,
            "attempts": one.attempts,
            "again_in_s": one.again_in_s,
            "error": one.error,
        }
        for state, one in found
    ]
    rows(f"Stuck in {service}", ("state", "topic", "key", "event", "attempts", "error"), items, json)


def redrive(
    service: Service,
    topic: Annotated[str | None, typer.Option(help="Only the dead events of this topic.")] = None,
    event: Annotated[str | None, typer.Option(help="Only this dead event.")] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send the events that a service gave up back into their place, to be tried again."""
    from aloft.kit.bus.inbox import redrive as send_back
    from aloft.kit.bus.topics import TOPICS

    names = [one.name for one in TOPICS]
    if topic is not None and topic not in names:
        raise typer.BadParameter(
            f"{topic!r} is no topic: use one of {', '.join(names)}", param_hint="--topic"
        )
    with _inbox(service, data_dir) as database, database.transaction() as tx:
        count = send_back(tx, event, topic)
    if event is not None and not count:
        with refusals():
            raise NotFound("EVENT_NOT_FOUND", f"{service} has no dead event {event}: see aloft stuck")
    if json:
        out.print_json(data={"redriven": count})
    else:
        out.print(f"{count} dead events of {service} are to be tried again")


@contextmanager
def _inbox(service: str, data_dir: Path | None) -> Iterator["Database"]:
    if service not in NAMES:
        raise typer.BadParameter(f"{service!r} has no inbox: use one of {', '.join(NAMES)}")
    with opened(service, data_dir) as (_settings, database):
        yield database
