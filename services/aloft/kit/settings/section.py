"""What every section of settings is."""

from pydantic import BaseModel, ConfigDict, SecretStr

EMBEDDED_SECRET = SecretStr("embedded-and-known-to-everybody-so-on-loopback-only")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Section(BaseModel):
    """A group of settings under one name."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
