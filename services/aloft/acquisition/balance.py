"""What a batch is expected to bring of each label: p summed over its images."""

from collections.abc import Mapping

import numpy as np

from aloft.kit.objects.port import Objects
from aloft.shards import Head, Manifest, find, read_logits
from aloft.strategies.pool import ids
from aloft.strategies.strategy import Picks


def expected(
    objects: Objects, manifest: Manifest, picks: Picks, heads: Mapping[int, Head] | None = None
) -> Mapping[str, float]:
    """Sum σ(logit) over the picked images for each label; nothing under a version without a head.

    Only the shards of logits in which a picked image lies are read. Logits that are no numbers are left out.
    """
    if not manifest.labels or not picks.picks:
        return {}
    found = find(objects, manifest, np.sort(ids(list(picks.images))), heads)
    sums = np.zeros(len(manifest.labels))
    for index in np.unique(found.places[:, 0]):
        rows = read_logits(objects, manifest, int(index))
        wanted = np.isin(rows.numbers, found.places[found.places[:, 0] == index, 1])
        logits = rows.logits[wanted].astype(np.float64)
        sums += np.nansum(0.5 * (1 + np.tanh(logits / 2)), axis=0)
    return dict(zip(manifest.labels, sums.tolist(), strict=True))
