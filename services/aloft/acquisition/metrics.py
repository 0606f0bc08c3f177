"""What an operator sees of rankings and selections."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

SECONDS = Histogram(
    "aloft_acquisition_stage_seconds",
    "How long a stage of a campaign's selection took: rank, store, select, balance, preview or compare.",
    ["stage"],
    buckets=(0.01, 0.05, 0.2, 1, 5, 20, 60, 300, 1200),
)
READ = Counter("aloft_acquisition_pool_images_read", "Images that were read from the store, shard by shard.")
CANDIDATES = Counter(
    "aloft_acquisition_candidates_read", "Images whose features were read by themselves, to select from them."
)
POOL = Gauge("aloft_acquisition_ranked_images", "Images in a campaign's newest ranking.", ["campaign"])
LEFT_OUT = Gauge(
    "aloft_acquisition_left_out_images",
    "Images without a place in the newest ranking: what the network said of them are no finite numbers.",
    ["campaign"],
)
VERSION = Gauge(
    "aloft_acquisition_ranked_version", "The model version of a campaign's newest ranking.", ["campaign"]
)
FRESHNESS = Histogram(
    "aloft_acquisition_published_to_ranked_seconds",
    "From the publishing of a version to the first ranking of the pool under it.",
    buckets=(0.1, 0.5, 1, 5, 20, 60, 300, 1200, 3600, 14400),
)
WAITED = Gauge(
    "aloft_acquisition_newest_published_to_ranked_seconds",
    "The same of a campaign's newest ranked version.",
    ["campaign"],
)
EXPECTED = Gauge(
    "aloft_acquisition_expected_positives",
    "How many images of a campaign's newest batch are expected to have a label: p summed over the batch.",
    ["campaign", "label"],
)
BATCHES = Counter("aloft_acquisition_batches", "Batches selected.", ["campaign", "strategy"])

LABELS_SHOWN = 200
"""Labels of a campaign that have a series of their own: a taxonomy of thousands would be too many."""
_shown: dict[str, set[str]] = {}
"""Labels that have one now, by campaign."""


def show_balance(campaign: str, expected: Mapping[str, float]) -> None:
    """Show what the newest batch is expected to bring of each label, in the order of the taxonomy."""
    shown = dict(list(expected.items())[:LABELS_SHOWN])
    for label in _shown.get(campaign, set()) - shown.keys():
        EXPECTED.remove(campaign, label)
    for label, count in shown.items():
        EXPECTED.labels(campaign, label).set(count)
    _shown[campaign] = set(shown)
