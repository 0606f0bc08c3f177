"""Comparisons with other libraries, on request: `scripts/peers.sh` makes the environment that has them."""

import pytest


@pytest.fixture(autouse=True)
def _peers() -> None:
    for name in ("skactiveml", "small_text", "modAL"):
        pytest.importorskip(name, reason="the peers are in an environment of their own: scripts/peers.sh")
