"""Settings of a service: defaults, a TOML file (`ALOFT_SETTINGS`), the environment (`ALOFT_RPC__PORT`)."""

import os
from pathlib import Path
from typing import ClassVar, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from aloft.kit.settings.bus import BusSettings
from aloft.kit.settings.database import DatabaseSettings
from aloft.kit.settings.objects import ObjectsSettings
from aloft.kit.settings.rpc import RpcSettings
from aloft.kit.settings.sentences import misspelt, sentences
from aloft.kit.settings.telemetry import TelemetrySettings

FILE = "ALOFT_SETTINGS"


class SettingsError(Exception):
    """Settings that nothing can start with: every problem, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """What every service reads. Its `app.py` subclasses it: its name, its ports, its own sections."""

    model_config = SettingsConfigDict(
        env_prefix="ALOFT_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        nested_model_default_partial_update=True,
        extra="ignore",
    )
    service: ClassVar[str] = "aloft"

    data_dir: Path = Field(Path("aloft-data"), description="Folder of everything that is embedded.")
    rpc: RpcSettings = RpcSettings()
    bus: BusSettings = BusSettings()
    objects: ObjectsSettings = ObjectsSettings()
    database: DatabaseSettings = DatabaseSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Say where values come from, the strongest first."""
        path = os.environ.get(FILE)
        file = (TomlConfigSettingsSource(settings_cls, Path(path)),) if path else ()
        return (init_settings, env_settings, *file)

    @model_validator(mode="after")
    def _embedded_defaults(self) -> Self:
        """Put what is embedded into the data folder where no other place is named."""
        home = self.data_dir
        if self.bus.path == Path():
            self.bus = self.bus.model_copy(update={"path": home / "bus.db"})
        if not self.database.url.get_secret_value():
            url = SecretStr(f"sqlite:///{home / f'{self.service}.db'}")
            self.database = self.database.model_copy(update={"url": url})
        folders = {"directory": home / "objects", "pool_directory": home / "pool"}
        unset = {name: path for name, path in folders.items() if getattr(self.objects, name) == Path()}
        self.objects = self.objects.model_copy(update=unset)
        return self

    @model_validator(mode="after")
    def _ports_apart(self) -> Self:
        told = {
            "ALOFT_RPC__PORT": self.rpc.port,
            "ALOFT_TELEMETRY__METRICS_PORT": self.telemetry.metrics_port,
            "ALOFT_OBJECTS__HTTP_PORT": self.objects.http_port if self.objects.kind == "directory" else 0,
        }
        seen: dict[int, str] = {}
        for name, port in told.items():
            if port and port in seen:
                raise ValueError(f"{name} is {port}, as {seen[port]} is: give each a port of its own")
            seen[port or 0] = name
        return self


Chosen = TypeVar("Chosen", bound=Settings)


def load(cls: type[Chosen], **given: object) -> Chosen:
    """Read the settings, what is given first, or raise `SettingsError` with every problem found."""
    path = os.environ.get(FILE)
    if path and not Path(path).is_file():
        raise SettingsError([f"{FILE} is {path}: there is no such file; name a TOML file, or unset it"])
    typing_errors = misspelt(cls, os.environ)
    try:
        settings = cls(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError([*typing_errors, *sentences(cls, error)]) from None
    except SourceError as error:
        raise SettingsError(
            [*typing_errors, f"{error}: a section is set by ALOFT_<SECTION>__<NAME>"]
        ) from None
    except ValueError as error:  # what the TOML reader raises
        raise SettingsError([f"{FILE} is {path}, which is no TOML file: {error}"]) from None
    if typing_errors:
        raise SettingsError(typing_errors)
    return settings
