"""The servers of `aloft demo --real`: found by the settings that services read, and looked at."""

import os
from collections.abc import Sequence

import typer
from rich.markup import escape

from aloft.cli.admin import through_psycopg
from aloft.cli.output import err
from aloft.cli.running import settings_of
from aloft.cli.services import SERVING
from aloft.demo.real.lending import Lender, give_back
from aloft.demo.real.naming import NAME, new_name
from aloft.demo.real.servers import Servers, lacking, look
from aloft.kit.settings import describe
from aloft.serving.app import Settings

ADMIN_URL = "ALOFT_ADMIN_URL"


def lender_of_settings() -> Lender:
    """Look at every server, or end and say what is missing of which."""
    servers, told = _servers()
    found, wrong = look(servers.parts(new_name()), told)
    _end_if(wrong)
    for server, what in found.items():
        _say(f"{server:21} {what}")
    return Lender(servers.parts, found, servers.trust)


def remove_run(name: str) -> None:
    """Remove what the run of a name has left on the servers."""
    if not NAME.fullmatch(name):
        raise typer.BadParameter(f"{name!r} is no run's name, which is aloft-demo- and 8 digits from 0 to f")
    servers, told = _servers()
    parts = servers.parts(name)
    _end_if([sentence for part in parts.each if (sentence := lacking(part, told))])
    if not give_back(parts, name, _say):
        raise typer.Exit(1)
    _say(f"Nothing called {name} is on the servers.")


def _servers() -> tuple[Servers, set[str]]:
    """Read where they are, and which settings say so."""
    settings = settings_of(SERVING)
    assert isinstance(settings, Settings)
    told = {row.name for row in describe(Settings) if row.source != "default"}
    admin_url = os.environ.get(ADMIN_URL, "")
    if admin_url:
        told.add(ADMIN_URL)
    return Servers(settings.bus, settings.objects, settings.serving, through_psycopg(admin_url)), told


def _end_if(wrong: Sequence[str]) -> None:
    if not wrong:
        return
    for sentence in wrong:
        err.print(f"[red]missing[/red] {escape(sentence)}", soft_wrap=True)
    err.print(
        "In a checkout `make stack-up` starts all four and says how to name them; `aloft demo` needs none.",
        soft_wrap=True,
    )
    raise typer.Exit(1)


def _say(sentence: str) -> None:
    err.print(escape(sentence), soft_wrap=True)
