"""The section `bus`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from aloft.kit.bus.kafka_config import KafkaConfig, SaslMechanism, SecurityProtocol
from aloft.kit.settings.section import Section


class BusSettings(Section):
    """How events travel."""

    kind: Literal["embedded", "kafka"] = Field("embedded", description="A log in a SQLite file, or Kafka.")
    path: Path = Field(Path(), description="File of the embedded bus; by default bus.db in the data folder.")
    bootstrap_servers: str = Field("", description="Kafka: brokers to ask first, host:port[,host:port...].")
    topic_prefix: str = Field("", description="Goes before every topic and group, to share a cluster.")
    create_topics: bool = Field(True, description="Create missing topics; otherwise only check for them.")
    security_protocol: SecurityProtocol = Field("PLAINTEXT", description="Kafka: how brokers are spoken to.")
    sasl_mechanism: SaslMechanism | None = Field(None, description="Kafka: how this client proves who it is.")
    sasl_username: str | None = Field(None, description="Kafka: who this client is.")
    sasl_password: SecretStr | None = Field(None, description="Kafka: its password.")
    ssl_cafile: Path | None = Field(None, description="Kafka: PEM file of authorities to trust.")
    ssl_certfile: Path | None = Field(None, description="Kafka: PEM file with this client's certificate.")
    ssl_keyfile: Path | None = Field(None, description="Kafka: PEM file with that certificate's key.")
    ssl_password: SecretStr | None = Field(None, description="Kafka: the password of that key.")
    session_timeout_s: float = Field(
        45, ge=1, le=1800, description="Kafka: after how long a silent consumer's work goes to others."
    )
    partitions: int = Field(6, ge=1, le=10_000, description="Kafka: partitions of a topic created here.")
    replication_factor: int = Field(1, ge=1, le=32, description="Kafka: replicas of a topic created here.")

    @model_validator(mode="after")
    def _complete(self) -> "BusSettings":
        if self.kind != "kafka":
            return self
        if not self.bootstrap_servers.strip():
            raise ValueError(
                "ALOFT_BUS__BOOTSTRAP_SERVERS is missing: ALOFT_BUS__KIND is kafka, so name at least one"
                " broker as host:port, or set the kind to embedded"
            )
        try:
            self.kafka_config()
        except ValueError as error:
            raise ValueError(f"ALOFT_BUS__*: {error}") from None
        return self

    def kafka_config(self) -> KafkaConfig:
        """Make what the Kafka adapter takes."""
        return KafkaConfig(
            bootstrap_servers=tuple(one.strip() for one in self.bootstrap_servers.split(",") if one.strip()),
            topic_prefix=self.topic_prefix,
            security_protocol=self.security_protocol,
            ssl_cafile=_text(self.ssl_cafile),
            ssl_certfile=_text(self.ssl_certfile),
            ssl_keyfile=_text(self.ssl_keyfile),
            ssl_password=_secret(self.ssl_password),
            sasl_mechanism=self.sasl_mechanism,
            sasl_username=self.sasl_username,
            sasl_password=_secret(self.sasl_password),
            session_timeout_s=self.session_timeout_s,
            partitions=self.partitions,
            replication_factor=self.replication_factor,
        )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _secret(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
