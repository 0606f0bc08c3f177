"""`aloft campaign why`: for each service what it waits for, since when, and what to do about it."""

import json as json_module
from collections.abc import Sequence
from datetime import UTC, datetime

import typer
from rich.markup import escape
from rich.table import Table

from aloft.cli.connection import Json, connection
from aloft.cli.everyone import Everyone, refusal_in
from aloft.cli.output import out, refuse
from aloft.cli.reasons import EXIT_CODES, Reason, Standing, age, joined, questions, verdict

COLOURS = {
    Standing.UNREACHABLE: "red",
    Standing.STUCK: "red",
    Standing.MOVING: "green",
    Standing.WAITING: "yellow",
    Standing.IDLE: "dim",
}


def why(campaign: str, json: Json = False) -> None:
    """Say what each service waits for, the most pressing first.

    Exit code 0: it moves, waits as usual, or rests. 3: something is stuck. 4: a service cannot be reached.
    """
    with Everyone(connection()) as everyone:
        answers = everyone.ask(questions(campaign))
    if refusal := refusal_in(answers):
        refuse(refusal)
    reasons = joined(answers)
    standing, sentence = verdict(reasons)
    if json:
        found = [reason.as_dict() for reason in reasons]
        print(
            json_module.dumps(
                {"campaign": campaign, "standing": standing, "verdict": sentence, "reasons": found}
            )
        )
    else:
        out.print(f"[bold {COLOURS[standing]}]{escape(sentence)}[/]", soft_wrap=True)
        out.print(table(reasons, datetime.now(UTC)))
    raise typer.Exit(EXIT_CODES.get(standing, 0))


def table(reasons: Sequence[Reason], now: datetime) -> Table:
    """Show reasons, one a row."""
    shown = Table(box=None, pad_edge=False)
    for column in ("service", "", "waits for", "since", "what to do"):
        shown.add_column(column, overflow="fold")
    for reason in reasons:
        colour = COLOURS[reason.standing]
        shown.add_row(
            reason.service,
            f"[{colour}]{reason.standing}[/]",
            escape(reason.waits_for),
            age(reason.since, now),
            escape(reason.remedy),
        )
    return shown
