"""Where shards and manifests lie in the aloft bucket."""


def feature_shard_key(campaign: str, backbone: str, part: int, attempt: str) -> str:
    """Name a feature shard. The attempt (a job and its epoch) keeps two attempts from sharing a name."""
    return f"{_features(campaign, backbone)}/part-{part}-{attempt}.arrow"


def manifest_key(campaign: str, backbone: str, digest: str) -> str:
    """Name a manifest of feature shards by its digest."""
    return f"{_features(campaign, backbone)}/{digest}.json"


def _features(campaign: str, backbone: str) -> str:
    return f"campaigns/{campaign}/features/{backbone}"
