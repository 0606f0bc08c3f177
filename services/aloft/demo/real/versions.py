"""A run's versions in TorchServe."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from aloft.demo.real.naming import NAME, removal
from aloft.demo.real.part import Refused
from aloft.serving.app import ServingSettings
from aloft.serving.torchserve.adapter import Loading, TorchServe
from aloft.serving.torchserve.api import Api

LOOK_S = 4.0
"""How long it may take to answer the first question."""


class Versions:
    """What the serving agent of a run registers there."""

    server = "TorchServe"
    needs: ClassVar[Mapping[str, str]] = {
        "ALOFT_SERVING__KEY_FILE": "its key_file.json, in the folder that it was started in",
        "ALOFT_SERVING__MODEL_STORE": "its model store",
    }

    def __init__(self, serving: ServingSettings, name: str) -> None:
        self._name = name
        # Of each campaign only what answers: workers of older versions would only take up memory.
        told = {"kind": "torchserve", "pod": name, "keep_versions": 1, "drain_s": 0}
        self.settings = serving.model_copy(update=told)

    def opened(self, timeout_s: float) -> TorchServe:
        """Reach it."""
        own = self.settings
        api = Api(own.management_url, own.inference_url, own.key_file, timeout_s)
        return TorchServe(api, own.model_store, Loading())

    def look(self) -> str:
        """Ask what it serves. The agent empties the store of its TorchServe, so it must be nobody else's."""
        store, serves = Path(self.settings.model_store), self.opened(LOOK_S).registered()
        if not (store.is_dir() and os.access(store, os.W_OK)):
            raise Refused(
                f"{self.server}: ALOFT_SERVING__MODEL_STORE is {store}, which is no folder that this user"
                " can write to"
            )
        theirs = sorted({one.campaign for one in serves} | {file.name for file in store.iterdir()})
        if theirs:
            raise Refused(
                f"{self.server}: the one at {self.settings.management_url} is in use ({_some(theirs)}), and"
                f" the demonstration needs one of its own: name another, or {_how_to_free(theirs)}"
            )
        return f"at {self.settings.inference_url}"

    def make(self) -> None:
        """Nothing is made here: the agent registers what was trained."""

    def remove(self) -> None:
        """Unregister the run's versions, the one that answers last, and remove their archives."""
        server = self.opened(self.settings.response_timeout_s + 5)
        mine = [one for one in server.registered() if one.campaign.startswith(self._name)]
        for one in sorted(mine, key=lambda version: version.default):
            server.unregister(one.campaign, one.version)
        for file in Path(self.settings.model_store).glob(f"{self._name}-*"):
            file.unlink(missing_ok=True)


def _how_to_free(names: list[str]) -> str:
    """Say what frees it: an earlier run's is removed by a command."""
    earlier = sorted({found.group() for name in names if (found := NAME.match(name))})
    if len(earlier) == 1 and all(name.startswith(earlier[0]) for name in names):
        return removal(earlier[0])
    return "unregister these and empty its model store"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
