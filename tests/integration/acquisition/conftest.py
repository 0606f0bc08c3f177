"""Acquisition with a test in the place of the other services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.acquisition.world import World, opened


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    """Give one on SQLite, then one on a real PostgreSQL."""
    with opened(tmp_path, admin_url) as made:
        yield made


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[World]:
    """Give one on SQLite alone, for what no database makes different."""
    with opened(tmp_path) as made:
        yield made
