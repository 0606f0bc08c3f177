"""A run's topics and consumer groups on Kafka."""

import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove

from aloft.demo.real.part import Refused
from aloft.kit.bus.kafka import KafkaBus
from aloft.kit.bus.kafka_client import opened
from aloft.kit.bus.wiring import ensure_topics
from aloft.kit.settings import BusSettings

LOOK_S = 4.0
"""How long a broker may take to answer the first question."""
CALL_MS = 15_000
_GONE = ("OK", "GroupIdNotFoundError")
PARTITIONS = 2
"""Of each topic: there are two campaigns."""


class Topics:
    """Everything under the prefix of a run."""

    server = "Kafka"
    needs: ClassVar[Mapping[str, str]] = {"ALOFT_BUS__BOOTSTRAP_SERVERS": "a broker, as host:port"}

    def __init__(self, bus: BusSettings, name: str) -> None:
        self.prefix = f"{name}."
        told = {"kind": "kafka", "topic_prefix": self.prefix, "create_topics": True, "partitions": PARTITIONS}
        self.settings = bus.model_copy(update=told)

    def look(self) -> str:
        """Ask who is in the cluster."""
        config = replace(self.settings.kafka_config(), publish_timeout_s=LOOK_S)
        if not any(_listens(server) for server in config.bootstrap_servers):
            raise Refused(f"Kafka: nothing listens at {self.settings.bootstrap_servers}")
        admin = opened(KafkaAdminClient, **config.client())
        try:
            brokers = admin.describe_cluster()["brokers"]
        finally:
            admin.close()
        return f"{len(brokers)} broker{'s' if len(brokers) > 1 else ''} at {self.settings.bootstrap_servers}"

    def make(self) -> None:
        """Create every topic."""
        bus = KafkaBus(self.settings.kafka_config())
        try:
            ensure_topics(bus, create=True)
        finally:
            bus.close()

    def remove(self) -> None:
        """Delete the topics, and the groups that read them."""
        admin = opened(KafkaAdminClient, **self.settings.kafka_config().client())
        try:
            topics = [topic for topic in admin.list_topics() if topic.startswith(self.prefix)]
            if topics:
                admin.delete_topics(topics, timeout_ms=CALL_MS)
            groups = [group["group_id"] for group in admin.list_groups()]
            _delete(admin, [group for group in groups if group.startswith(self.prefix)])
        finally:
            admin.close()


def _listens(server: str) -> bool:
    # Kafka's own client would try for all of its time, and say only that the time is up.
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), LOOK_S).close()
    except OSError:
        return False
    return True


def _delete(admin: KafkaAdminClient, groups: list[str]) -> None:
    if not groups:
        return
    for group, said in admin.describe_groups(groups).items():
        # A consumer that was killed is counted in until its session is over, and none is left alive.
        killed = [MemberToRemove(member_id=member["member_id"]) for member in said["members"]]
        if killed:
            admin.remove_group_members(group, killed)
    stay = {group: said for group, said in admin.delete_groups(groups).items() if said not in _GONE}
    if stay:
        raise Refused(f"Kafka: groups stay: {stay}")
