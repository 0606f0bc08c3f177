"""`aloft campaign watch`: a live screen on a terminal, a line for each change elsewhere."""

import json as json_module
import time
from collections.abc import Callable, Iterator
from typing import Annotated

import typer
from rich.live import Live

from aloft.cli.connection import Json, connection
from aloft.cli.everyone import Everyone, refusal_in
from aloft.cli.lines import as_dict, line, news
from aloft.cli.output import REFUSED, STUCK, err, out, refuse
from aloft.cli.picture import picture
from aloft.cli.reasons import Standing
from aloft.cli.snapshot import Snapshot, questions, snapshot

DAY_S = 86400.0
"""The longest between two looks."""


def watch(
    campaign: str,
    every: Annotated[float, typer.Option(min=0.2, max=DAY_S, help="Seconds between two looks.")] = 2.0,
    until_stopped: Annotated[
        bool, typer.Option("--until-stopped", help="For scripts: Ctrl-C before it stopped ends with 1.")
    ] = False,
    json: Json = False,
) -> None:
    """Show a campaign live until it has stopped and come to rest, or until Ctrl-C.

    Where the output is no terminal, or with --json, a line says each change. Exit code 3: it came to rest
    with something stuck.
    """
    last: Snapshot | None = None
    try:
        with Everyone(connection()) as everyone:
            looks = _looks(everyone, campaign, every)
            last = _live(looks) if out.is_terminal and not json else _lines(looks, json)
    except KeyboardInterrupt:
        if until_stopped:
            err.print(f"{campaign} has not stopped yet")
            raise typer.Exit(REFUSED) from None
        return
    if any(reason.standing is Standing.STUCK for reason in last.reasons):
        raise typer.Exit(STUCK)


def _looks(everyone: Everyone, campaign: str, every: float) -> Iterator[Snapshot]:
    """Look again and again, until it was at rest in two looks: an event may be under way in one."""
    rested = 0
    asked = questions(campaign)
    while True:
        answers = everyone.ask(asked)
        if refusal := refusal_in(answers):
            refuse(refusal)
        seen = snapshot(campaign, answers)
        yield seen
        rested = rested + 1 if seen.at_rest else 0
        if rested == 2:
            return
        time.sleep(every)


def _live(looks: Iterator[Snapshot]) -> Snapshot:
    seen = next(looks)
    # Drawn only when there is something new to draw, so that nothing flickers.
    with Live(picture(seen), console=out, auto_refresh=False, vertical_overflow="crop") as screen:
        for seen in looks:
            screen.update(picture(seen), refresh=True)
    return seen


def _lines(looks: Iterator[Snapshot], json: bool) -> Snapshot:
    write: Callable[[Snapshot], str] = line
    if json:
        write = _json
    said: tuple[object, ...] | None = None
    for seen in looks:
        if news(seen) != said:
            said = news(seen)
            print(write(seen), flush=True)
    return seen


def _json(seen: Snapshot) -> str:
    return json_module.dumps(as_dict(seen))
