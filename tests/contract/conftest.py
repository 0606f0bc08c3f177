"""What the contract suites of events have in common."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.databases import place
from tests.contract.events import Loopback, loopback


@pytest.fixture
def loop(admin_url: str | None, tmp_path: Path) -> Iterator[Loopback]:
    """Open a service that announces events and handles its own, on each database."""
    with place(tmp_path, admin_url) as here, loopback(here.open(), tmp_path) as made:
        yield made
