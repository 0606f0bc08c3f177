"""How commands answer: a table for a person, JSON for a script, a sentence on stderr for a refusal."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from aloft.kit.errors import AloftError, InvalidArgument
from aloft.kit.rpc.channel import error_of

Fields = Mapping[str, Any]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

REFUSED = 1
"""Exit code: a server or a setting refused, and the reason is on standard error."""
STUCK = 3
"""Exit code: something does not go on by itself."""
UNREACHABLE = 4
"""Exit code: a service cannot be reached, so the answer is not whole."""

_DO = {
    "UNREACHABLE": "is it running? ALOFT_HOST names its machine, ALOFT_LABEL_STORE_TARGET and so on its port",
    "KEY_INVALID": "ALOFT_KEY holds the key that was sent",
    "ALREADY_BOOTSTRAPPED": "aloft key create makes further keys, with an administrator's in ALOFT_KEY",
}
"""What to do about some refusals, where a service does not know of the command line."""
_COPIED = {"secret"}
"""Fields that people copy: they stay on one line, however narrow the window is."""
_IDENTIFIERS = {"batch", "campaign", "event", "image", "key", "name", "ranking", "run", "version"}
"""Columns that people copy from: they stay whole, and the others fold."""
_FOLDED = 5
"""How narrow a column may be folded, before the table gets wider than the window."""


def show(message: Message, as_json: bool) -> None:
    """Print one resource."""
    fields = fields_of(message)
    if as_json:
        print(json.dumps(fields))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if name not in _COPIED:
            table.add_row(f"[bold]{name}[/bold]", escape(_cell(value)))
    out.print(table)
    for name in _COPIED & fields.keys():
        out.print(f"[bold]{name}[/bold] {escape(fields[name])}", soft_wrap=True)


def rows(title: str, columns: Sequence[str], items: Sequence[Fields], as_json: bool) -> None:
    """Print a list of alike things."""
    if as_json:
        print(json.dumps(list(items)))
        return
    table = Table(title=title, title_justify="left")
    # Two for the padding of a column and one for its border.
    narrowest = 1 + 3 * len(columns)
    for column in columns:
        heading, copied = column.replace("_", " "), column in _IDENTIFIERS
        table.add_column(heading, overflow="fold", no_wrap=copied)
        longest = max(map(cell_len, [heading, *(_cell(item.get(column, "")) for item in items)]))
        narrowest += longest if copied else min(longest, _FOLDED)
    for item in items:
        table.add_row(*(escape(_cell(item.get(column, ""))) for column in columns))
    # Wider than the window, a table has its rows wrapped by the terminal, which copies them whole.
    table.width = narrowest if narrowest > out.width else None
    out.print(table, crop=False)


def entries(
    title: str, name: str, columns: Sequence[str], text: str, items: Sequence[Fields], as_json: bool
) -> None:
    """Print a list of alike things that have a text each, which stands below what else there is of them."""
    if as_json:
        print(json.dumps(list(items)))
        return
    out.print(f"[italic]{escape(title)}[/italic]")
    for item in items:
        said = [f"{column}: {cell}" for column in columns if (cell := _cell(item[column]))]
        # One line where a program reads it, as `grep` does.
        head = f"[bold]{escape(item[name])}[/bold]  {escape('  '.join(said))}"
        out.print(head, soft_wrap=not out.is_terminal)
        out.print(Padding(Text(item[text]), (0, 0, 0, 4), expand=False))


def fields_of(message: Message) -> dict[str, Any]:
    """Write a message as JSON has it: every field, by its name in the contract."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what a server or a setting refuses into sentences and exit code 1."""
    try:
        yield
    except grpc.RpcError as failure:
        refuse(error_of(failure))
    except AloftError as failure:
        refuse(failure)


def refuse(error: AloftError) -> NoReturn:
    """End with what was refused, and exit code 1."""
    err.print(f"[red]{error.reason}[/red] {escape(error.message)}", soft_wrap=True)
    if isinstance(error, InvalidArgument):
        for violation in error.violations:
            err.print(escape(f"  {violation.field}: {violation.description}"), soft_wrap=True)
    if error.reason in _DO:
        err.print(f"  {_DO[error.reason]}", soft_wrap=True)
    sys.stderr.flush()
    raise typer.Exit(REFUSED)
