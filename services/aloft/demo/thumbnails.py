"""Small pictures of images that were chosen: drawn again, because the same seed draws the same scene."""

from aloft.demo.plan import Plan
from aloft.demo.pool import draw, key_of


class Thumbnails:
    """The pictures of a pool, by key."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._numbers = {key_of(number, plan.seed, plan.bands): number for number in range(plan.images)}

    def png(self, key: str) -> bytes:
        """Draw an image in red, green and blue, whatever bands the pool has."""
        return draw(self._numbers[key], self._plan.size, self._plan.seed).data
