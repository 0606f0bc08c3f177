"""What an operator sees of a serving agent."""

from prometheus_client import Counter, Gauge, Histogram

DESIRED = Gauge(
    "aloft_serving_desired_generation", "The generation of a campaign that is to be served.", ["campaign"]
)
SERVED = Gauge(
    "aloft_serving_served_generation",
    "The newest generation of a campaign that this pod has served; 0 where nothing of it answers.",
    ["campaign"],
)
UNSERVED = Gauge(
    "aloft_serving_unserved",
    "Whether something else than is desired of a campaign answers, or nothing: 1 or 0.",
    ["campaign"],
)
FAILURES = Counter(
    "aloft_serving_failures", "Attempts to serve what is desired that failed.", ["campaign", "reason"]
)
WORKERS = Gauge("aloft_serving_workers", "Workers of all versions that are registered in this pod.")
SECONDS = Histogram(
    "aloft_serving_register_seconds",
    "From the start of fetching an archive to its version being the default.",
    buckets=(0.5, 1, 2, 5, 10, 20, 60, 120, 300),
)
