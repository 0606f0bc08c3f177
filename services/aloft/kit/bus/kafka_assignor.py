"""How a group's partitions are shared out: only once all of them are known."""

import logging
from typing import Any

from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import StaleMetadata

log = logging.getLogger(__name__)


class KnownTopics(RangePartitionAssignor):  # type: ignore[misc]
    """The library's range assignor, which passes over a topic whose partitions it has not heard of yet.

    It would not share the topic out later either: what it compares to find news had already arrived. So the
    group has to join again instead.
    """

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> Any:
        """Share partitions out, or have the members join again."""
        wanted = {topic for member in members for topic in member.metadata.topics}
        unknown = sorted(topic for topic in wanted if not cluster.partitions_for_topic(topic))
        if unknown:
            log.info("joining again: the broker has not told of the partitions of %s", ", ".join(unknown))
            raise StaleMetadata(f"no partitions are known of {', '.join(unknown)}")
        return super().assign(cluster, members)
