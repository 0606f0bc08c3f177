"""The serving port in this process: the handler itself, for one machine, a demo and quick tests."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aloft.serving.answers import Answer
from aloft.serving.archive import read_archive
from aloft.serving.port import OtherArchive, Registered, ServerRefused

if TYPE_CHECKING:  # it brings torch, which is loaded where a version is
    from aloft.serving.handler import Handler


class InProcess:
    """Holds loaded versions."""

    workers_per_version = 1

    def __init__(self, device: str = "auto") -> None:
        self._device = device
        self._versions: dict[tuple[str, int], tuple[str, Handler]] = {}
        self._defaults: dict[str, int] = {}
        self._guard = threading.Lock()

    def registered(self) -> list[Registered]:
        """Describe everything that is loaded."""
        with self._guard:
            return [
                Registered(campaign, version, digest, True, self._defaults[campaign] == version, 1)
                for (campaign, version), (digest, _) in sorted(self._versions.items())
            ]

    def register(self, campaign: str, version: int, digest: str, archive: bytes) -> None:
        """Load a version."""
        with self._guard:
            known = self._versions.get((campaign, version))
        if known is None:
            handler = _load(archive, digest, self._device)
            with self._guard:
                known = self._versions.setdefault((campaign, version), (digest, handler))
                self._defaults.setdefault(campaign, version)
        if known[0] != digest:
            raise OtherArchive(campaign, version, known[0])

    def predict(self, campaign: str, version: int | None, images: Sequence[bytes]) -> list[Answer]:
        """Answer images."""
        with self._guard:
            chosen = self._defaults.get(campaign, 0) if version is None else version
            found = self._versions.get((campaign, chosen))
        if found is None:
            raise ServerRefused(f"version {chosen} of {campaign} is not served")
        return found[1].answer(images)

    def set_default(self, campaign: str, version: int) -> None:
        """Have a version answer where none is named."""
        with self._guard:
            if (campaign, version) not in self._versions:
                raise ServerRefused(f"version {version} of {campaign} is not served")
            self._defaults[campaign] = version

    def unregister(self, campaign: str, version: int) -> None:
        """Drop a version."""
        with self._guard:
            others = [key for key in self._versions if key[0] == campaign and key[1] != version]
            if self._defaults.get(campaign) == version:
                if others:
                    raise ServerRefused(f"version {version} is the default of {campaign}")
                del self._defaults[campaign]
            self._versions.pop((campaign, version), None)

    def clear(self) -> None:
        """Do nothing: there is no store."""


def _load(archive: bytes, digest: str, device: str) -> "Handler":
    from aloft.serving.handler import Handler

    described, weights = read_archive(archive)
    try:
        return Handler(described, weights, digest, device)
    except ValueError as error:
        raise ServerRefused(f"the version cannot be loaded: {error}") from error
