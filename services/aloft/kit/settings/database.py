"""The section `database`."""

from pydantic import Field, SecretStr

from aloft.kit.settings.section import Section


class DatabaseSettings(Section):
    """Where the service's own data lies."""

    url: SecretStr = Field(
        SecretStr(""),
        description="postgresql+psycopg://… or sqlite:///…; by default a file in the data folder.",
    )
    pool_size: int = Field(16, ge=1, le=1000, description="Connections kept open; twice as many at most.")
