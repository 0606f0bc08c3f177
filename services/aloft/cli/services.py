"""The services by the names that a user types."""

from types import ModuleType

import typer

from aloft.kit import memory

LABEL_STORE = "label-store"
TRAINER = "trainer"
NAMES = (LABEL_STORE, "embedding", "acquisition", TRAINER)
SERVING = "serving"
"""The serving agent: run like a service, but it keeps no database and reads no event."""
RUN = (*NAMES, SERVING)
"""What `serve` runs."""
HELD = {"embedding": memory.TENSORS, "acquisition": memory.SHARDS, TRAINER: memory.TENSORS}
"""How long the blocks are that a service takes and frees again and again."""


def app_of(service: str) -> ModuleType:
    """Load one service's composition root, and no other's: each needs only its own extra."""
    from importlib import import_module

    if service not in RUN:
        raise typer.BadParameter(f"{service!r} is no service: use one of {', '.join(RUN)}")
    try:
        return import_module(f"aloft.{service.replace('-', '_')}.app")
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("aloft"):
            raise
        raise typer.BadParameter(
            f"{service} needs the package {missing.name}: install aloft[{service}]"
        ) from missing
