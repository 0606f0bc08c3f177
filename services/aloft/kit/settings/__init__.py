"""Settings, read once by a composition root: from defaults, a TOML file and the environment."""

from aloft.kit.settings.base import Settings, SettingsError, load
from aloft.kit.settings.bus import BusSettings
from aloft.kit.settings.database import DatabaseSettings
from aloft.kit.settings.listing import Row, describe
from aloft.kit.settings.objects import ObjectsSettings
from aloft.kit.settings.rpc import RpcSettings
from aloft.kit.settings.section import LOOPBACK, Section
from aloft.kit.settings.telemetry import TelemetrySettings

__all__ = [
    "LOOPBACK",
    "BusSettings",
    "DatabaseSettings",
    "ObjectsSettings",
    "Row",
    "RpcSettings",
    "Section",
    "Settings",
    "SettingsError",
    "TelemetrySettings",
    "describe",
    "load",
]
