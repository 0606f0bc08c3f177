"""The section `rpc`."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from aloft.kit.settings.section import EMBEDDED_SECRET, LOOPBACK, Section


class RpcSettings(Section):
    """Where this service is called, and who may."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all of this machine's.")
    port: int = Field(0, ge=0, le=65535, description="Port of the gRPC server; 0 takes any free one.")
    tls_cert: Path | None = Field(
        None, description="PEM file with the server's certificate; TLS is on with it."
    )
    tls_key: Path | None = Field(None, description="PEM file with that certificate's key.")
    tls_client_ca: Path | None = Field(
        None, description="PEM file with the authority of client certificates; mutual TLS is on with it."
    )
    ca_file: Path | None = Field(
        None, description="PEM file with the authority to trust when this service calls another."
    )
    label_store: str = Field(
        "127.0.0.1:7710",
        pattern=r"^[^\s/]+:\d+$",
        description="Where the label store answers, host:port: other services ask it whose an API key is.",
    )
    reflection: bool = Field(False, description="Whether clients may ask for the services' descriptions.")
    max_message_bytes: int = Field(
        16 * 1024 * 1024, ge=65536, le=1 << 30, description="Longest message taken or given, in bytes."
    )
    max_concurrent: int = Field(512, ge=1, le=100_000, description="Calls at once before more are refused.")
    threads: int = Field(32, ge=1, le=1024, description="Calls that are worked on at the same time.")
    keepalive_s: float = Field(60, ge=10, le=7200, description="How often an idle connection is probed.")
    connection_age_s: float = Field(
        8, ge=0.1, le=86400, description="How long a client keeps a connection before it makes a new one."
    )
    drain_delay_s: float = Field(
        1,
        ge=0,
        le=300,
        description="After SIGTERM, how long to go on serving while routers and clients turn away;"
        " behind a router a little more than connection_age_s.",
    )
    drain_s: float = Field(20, ge=0, le=3600, description="How long calls then have to finish.")
    key_pepper: SecretStr = Field(
        EMBEDDED_SECRET, min_length=32, description="Keys the hashes of API keys; not kept in the database."
    )
    service_secret: SecretStr = Field(
        EMBEDDED_SECRET, min_length=32, description="Shared by the services; their own API keys come from it."
    )
    service_secret_previous: SecretStr | None = Field(
        None, min_length=32, description="The secret before, still honoured while the new one is rolled out."
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> "RpcSettings":
        if (self.tls_cert is None) != (self.tls_key is None):
            missing = "CERT" if self.tls_cert is None else "KEY"
            raise ValueError(f"ALOFT_RPC__TLS_{missing} is missing: certificate and key are set together")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("ALOFT_RPC__TLS_CLIENT_CA needs ALOFT_RPC__TLS_CERT and ALOFT_RPC__TLS_KEY")
        for name in ("tls_cert", "tls_key", "tls_client_ca", "ca_file"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise ValueError(
                    f"ALOFT_RPC__{name.upper()} is {path}: there is no such file; name a PEM file"
                )
        for name in ("key_pepper", "service_secret"):
            if self.host not in LOOPBACK and getattr(self, name) == EMBEDDED_SECRET:
                raise ValueError(
                    f"ALOFT_RPC__{name.upper()} is the embedded default, which everybody knows, but"
                    f" ALOFT_RPC__HOST is {self.host}: set it to 32 random characters or more,"
                    " or listen on 127.0.0.1"
                )
        return self

    def service_secrets(self) -> tuple[str, ...]:
        """Say which secrets a service's key may come from: the current one first."""
        both = (self.service_secret, self.service_secret_previous)
        return tuple(one.get_secret_value() for one in both if one is not None)
