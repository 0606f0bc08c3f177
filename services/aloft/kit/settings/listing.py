"""What `aloft settings` prints: every setting, its value and where that came from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from aloft.kit.settings.base import FILE, Settings, load
from aloft.kit.settings.sentences import MASK, allowed, fields, is_secret, name_of

Source = Literal["default", "env", "file"]


@dataclass(frozen=True, slots=True)
class Row:
    """One setting."""

    name: str
    value: str
    source: Source
    description: str
    allowed: str


def describe(cls: type[Settings]) -> list[Row]:
    """List every setting of a service, secrets masked; raises `SettingsError` as a start would."""
    settings = load(cls)
    environment = EnvSettingsSource(cls)()
    path = os.environ.get(FILE)
    file = TomlConfigSettingsSource(cls, Path(path))() if path else {}
    rows = []
    for where, field in fields(cls):
        source: Source = "env" if _has(environment, where) else "file" if _has(file, where) else "default"
        value = MASK if is_secret(field) else _shown(_value(settings, where))
        rows.append(Row(name_of(*where), value, source, field.description or "", allowed(field)))
    return rows


def _has(values: Mapping[str, Any], where: tuple[str, ...]) -> bool:
    found: Any = values
    for part in where:
        if not isinstance(found, Mapping) or part not in found:
            return False
        found = found[part]
    return True


def _value(settings: Settings, where: tuple[str, ...]) -> Any:
    found: Any = settings
    for part in where:
        found = getattr(found, part)
    return found


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return MASK if isinstance(value, SecretStr) else str(value)
