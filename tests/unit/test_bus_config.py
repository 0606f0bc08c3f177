"""What is said about Kafka is checked before anything connects, with a sentence that helps."""

from typing import Any

import pytest

from aloft.kit.bus.kafka_config import KafkaConfig

SERVERS = ("kafka-0:9092", "kafka-1:9092")


def test_brokers_alone_are_enough() -> None:
    client = KafkaConfig(bootstrap_servers=SERVERS).client()
    assert client["bootstrap_servers"] == list(SERVERS)
    assert client["security_protocol"] == "PLAINTEXT"


def test_tls_and_sasl_reach_the_client() -> None:
    client = KafkaConfig(
        bootstrap_servers=SERVERS,
        security_protocol="SASL_SSL",
        ssl_cafile="/ca.pem",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="aloft",
        sasl_password="secret",
    ).client()
    assert client["ssl_cafile"] == "/ca.pem"
    assert client["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (client["sasl_plain_username"], client["sasl_plain_password"]) == ("aloft", "secret")


def test_a_password_is_not_printed_with_the_configuration() -> None:
    config = KafkaConfig(
        bootstrap_servers=SERVERS,
        security_protocol="SASL_SSL",
        sasl_mechanism="PLAIN",
        sasl_username="aloft",
        sasl_password="s3cret",
    )
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"bootstrap_servers": ()}, "name at least one broker as host:port"),
        ({"bootstrap_servers": ("kafka",)}, "kafka is not host:port"),
        ({"topic_prefix": "a b"}, "letters, digits"),
        ({"security_protocol": "SASL_SSL"}, "sasl_mechanism, sasl_username and sasl_password are needed"),
        ({"sasl_username": "aloft"}, "use SASL_SSL or SASL_PLAINTEXT"),
        ({"ssl_cafile": "/ca.pem"}, "use SSL or SASL_SSL"),
        ({"security_protocol": "SSL", "ssl_certfile": "/c.pem"}, "set both or neither"),
        ({"session_timeout_s": 0.5}, "1 to 1800"),
        ({"publish_timeout_s": 0}, "more than 0"),
        ({"partitions": 0}, "at least 1"),
        ({"replication_factor": 0}, "at least 1"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        KafkaConfig(**{"bootstrap_servers": SERVERS, **settings})
