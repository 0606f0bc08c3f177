"""The services by the names that a user types."""

from types import ModuleType

import typer

LABEL_STORE = "label-store"
NAMES = (LABEL_STORE, "embedding", "acquisition", "trainer")


def app_of(service: str) -> ModuleType:
    """Load one service's composition root, and no other's: each needs only its own extra."""
    from importlib import import_module

    if service not in NAMES:
        raise typer.BadParameter(f"{service!r} is no service: use one of {', '.join(NAMES)}")
    try:
        return import_module(f"aloft.{service.replace('-', '_')}.app")
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("aloft"):
            raise
        raise typer.BadParameter(
            f"{service} needs the package {missing.name}: install aloft[{service}]"
        ) from missing
