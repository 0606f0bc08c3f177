"""Whether a version's pool has what a strategy declares that it needs: checked before anything is read."""

from aloft import strategies
from aloft.kit.errors import FailedPrecondition, InvalidArgument
from aloft.shards import Manifest
from aloft.strategies.strategy import Strategy


class Unmet(FailedPrecondition):
    """A strategy cannot work on this pool. The message says what it waits for."""

    def __init__(self, why: str) -> None:
        super().__init__("STRATEGY_NEEDS_MORE", why)


def load(expression: str, manifest: Manifest) -> Strategy:
    """Load a strategy that can work on a pool, or raise `Unmet`."""
    try:
        strategy = strategies.load(expression)
    except InvalidArgument as unknown:
        raise Unmet(f"the package that brings the strategy {expression}: {unknown.message}") from unknown
    needs, version = strategy.needs, manifest.version
    if (needs.logits or needs.columns) and not manifest.labels:
        raise Unmet(f"a version with a head: {expression} scores by logits, and version {version} has none")
    missing = [name for name in needs.columns if name not in manifest.columns]
    if missing:
        what = f"{'column' if len(missing) == 1 else 'columns'} {', '.join(missing)}"
        raise Unmet(
            f"the {what} beside the logits of version {version}, which embedding has not written and"
            f" {expression} needs"
        )
    return strategy
