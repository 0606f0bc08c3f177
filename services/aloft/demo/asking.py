"""Asks the model server what anybody could: a held-out image, by each campaign's name alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aloft.api.trainer.v1.trainer_service_pb2 import Model
from aloft.demo.children import DemoFailed
from aloft.demo.outcome import Served
from aloft.demo.plan import Plan
from aloft.demo.pool import DrawnPool, draw
from aloft.kit.errors import AloftError
from aloft.serving.answers import OK
from aloft.serving.port import Serving


@dataclass(frozen=True, slots=True)
class HeldOut:
    """An image that no version learned from."""

    data: bytes
    shown: tuple[str, ...]


def held_out(plan: Plan, folder: Path, drawn: DrawnPool) -> HeldOut:
    """Take the first image of those that are held out."""
    shown = draw(plan.images, plan.size, plan.seed, plan.bands).shown
    return HeldOut((folder / drawn.keys[plan.images]).read_bytes(), tuple(shown))


class Asking:
    """Asks until each campaign is answered by the version that it ended with. Driven by `step`."""

    def __init__(self, server: Serving, image: HeldOut, wanted: Mapping[str, Model]) -> None:
        self._server = server
        self._image = image
        self._wanted = wanted
        self.served: dict[str, Served] = {}
        """By campaign."""
        self.waiting = ""
        """Why the last that was asked is not there yet."""

    def step(self) -> bool:
        """Ask for what is not there yet; say whether all of it is."""
        for campaign in self._wanted.keys() - self.served.keys():
            try:
                self._ask(campaign)
            except AloftError as away:
                # A version that is being loaded, or made the default, answers a moment later.
                self.waiting = f"{campaign} is not answered: {away.message}"
        return self._wanted.keys() == self.served.keys()

    def _ask(self, campaign: str) -> None:
        [answer] = self._server.predict(campaign, None, [self._image.data])
        said, wanted = answer.body, self._wanted[campaign]
        if answer.status != OK:
            raise DemoFailed(f"{campaign} refuses a held-out image: {said['error']['message']}")
        if said["version"] != wanted.version:
            self.waiting = f"{campaign} is answered by version {said['version']}, not yet {wanted.version}"
            return
        if said["digest"] != wanted.archive_digest:
            raise DemoFailed(
                f"version {wanted.version} of {campaign} was published as {wanted.archive_digest},"
                f" and what answers was loaded from {said['digest']}"
            )
        self.served[campaign] = Served(
            said["version"], said["digest"], tuple(said["predicted"]), self._image.shown
        )
