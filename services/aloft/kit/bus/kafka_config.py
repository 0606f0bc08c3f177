"""How Kafka is reached, in the words of its own documentation, checked before anything connects."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConfig:
    """What is set about the connection. What correctness rests on is not here but fixed in code."""

    bootstrap_servers: tuple[str, ...]
    """Brokers to ask first, as host:port; one that answers is enough."""
    topic_prefix: str = ""
    """Goes before every topic and group, so that installations can share a cluster."""
    security_protocol: SecurityProtocol = "PLAINTEXT"
    """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    ssl_cafile: str | None = None
    """File with the certificates of authorities to trust; the system's if not set."""
    ssl_certfile: str | None = None
    """File with the certificate that this client shows (mutual TLS)."""
    ssl_keyfile: str | None = None
    """File with the key of that certificate."""
    ssl_password: str | None = field(default=None, repr=False)
    """Password of that key."""
    ssl_check_hostname: bool = True
    """Whether the broker's certificate must bear its host name."""
    sasl_mechanism: SaslMechanism | None = None
    """PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; with a SASL protocol only."""
    sasl_username: str | None = None
    """Who this client is to the broker."""
    sasl_password: str | None = field(default=None, repr=False)
    """How it proves that."""
    session_timeout_s: float = 45.0
    """After how long without a heartbeat a member's partitions go to others."""
    publish_timeout_s: float = 30.0
    """How long a batch waits for the broker before it is left in the outbox and tried again."""
    partitions: int = 6
    """Partitions of a topic created here. Choose once: adding some later moves keys and so loses order."""
    replication_factor: int = 1
    """Replicas of a topic that is created here; 3 where there are as many brokers."""

    def __post_init__(self) -> None:
        """Refuse what cannot work with a sentence that says which, why and what is allowed."""
        for wrong, sentence in self._rules():
            if wrong:
                raise ValueError(sentence)

    def _rules(self) -> list[tuple[bool, str]]:
        sasl = self.security_protocol.startswith("SASL")
        tls = self.security_protocol.endswith("SSL")
        bad = [server for server in self.bootstrap_servers if not re.fullmatch(r"\S+:\d{1,5}", server)]
        told = (self.sasl_mechanism, self.sasl_username, self.sasl_password)
        return [
            (not self.bootstrap_servers, "bootstrap_servers is empty: name at least one broker as host:port"),
            (bool(bad), f"bootstrap_servers: {', '.join(bad)} is not host:port"),
            (
                not re.fullmatch(r"[A-Za-z0-9._-]{0,100}", self.topic_prefix),
                f"topic_prefix {self.topic_prefix!r}: at most 100 letters, digits, '.', '_' and '-'",
            ),
            (
                sasl and not all(told),
                f"security_protocol is {self.security_protocol}, so sasl_mechanism, sasl_username and"
                " sasl_password are needed",
            ),
            (
                not sasl and any(told),
                f"sasl_* is set but security_protocol is {self.security_protocol}:"
                " use SASL_SSL or SASL_PLAINTEXT",
            ),
            (
                not tls and bool(self.ssl_cafile or self.ssl_certfile or self.ssl_keyfile),
                f"ssl_* is set but security_protocol is {self.security_protocol}: use SSL or SASL_SSL",
            ),
            (
                bool(self.ssl_certfile) != bool(self.ssl_keyfile),
                "ssl_certfile and ssl_keyfile belong together: set both or neither",
            ),
            (
                not 1 <= self.session_timeout_s <= 1800,
                f"session_timeout_s is {self.session_timeout_s}: 1 to 1800, within what the brokers allow",
            ),
            (self.publish_timeout_s <= 0, f"publish_timeout_s is {self.publish_timeout_s}: more than 0"),
            (self.partitions < 1, f"partitions is {self.partitions}: at least 1"),
            (self.replication_factor < 1, f"replication_factor is {self.replication_factor}: at least 1"),
        ]

    def client(self) -> dict[str, Any]:
        """What every client of kafka-python is given."""
        told: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap_servers),
            "security_protocol": self.security_protocol,
            "ssl_cafile": self.ssl_cafile,
            "ssl_certfile": self.ssl_certfile,
            "ssl_keyfile": self.ssl_keyfile,
            "ssl_password": self.ssl_password,
            "ssl_check_hostname": self.ssl_check_hostname,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
            # The library waits up to 30 s before it tries a broker again; a restarted one is back sooner.
            "reconnect_backoff_max_ms": 1_000,
            "bootstrap_timeout_ms": min(10_000, round(self.publish_timeout_s * 1000)),
            # A topic that was created after the client started is seen within this time.
            "metadata_max_age_ms": 30_000,
        }
        return told
