"""Where shards and manifests lie in the aloft bucket."""

import re

_SHARD = re.compile(r".*/part-[0-9]+-(?P<attempt>[^/]+)\.arrow")


def features_folder(campaign: str, backbone: str = "") -> str:
    """Name the folder of a campaign's features, or of those under one backbone."""
    return f"campaigns/{campaign}/features/{backbone and f'{backbone}/'}"


def logits_folder(campaign: str, version: int | None = None) -> str:
    """Name the folder of a campaign's logits, or of those under one version."""
    return f"campaigns/{campaign}/logits/{'' if version is None else f'{version}/'}"


def feature_shard_key(campaign: str, backbone: str, part: int, attempt: str) -> str:
    """Name a feature shard. The attempt (a job and its epoch) keeps two attempts from sharing a name."""
    return f"{features_folder(campaign, backbone)}part-{part}-{attempt}.arrow"


def logit_shard_key(campaign: str, version: int, part: int, attempt: str) -> str:
    """Name the logit shard beside the feature shard of the same part."""
    return f"{logits_folder(campaign, version)}part-{part}-{attempt}.arrow"


def attempt_of(key: str) -> str | None:
    """Say which attempt wrote a shard, None of what is no shard."""
    found = _SHARD.fullmatch(key)
    return None if found is None else found["attempt"]
