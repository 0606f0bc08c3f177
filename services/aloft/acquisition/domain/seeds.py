"""Where the chance of a ranking and of a batch begins: hashes of the campaign's seed and its purpose."""

from aloft.strategies.seeds import derive


def of_ranking(campaign: int, version: int) -> int:
    """Seed the ranking of a version: the same in every generation, so that new images change little."""
    return derive(campaign, "ranking", version)


def of_batch(campaign: int, batch: int) -> int:
    """Seed the selection of a batch."""
    return derive(campaign, "batch", batch)
