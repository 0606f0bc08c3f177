"""What was chosen and why: small pictures of the first seed's rounds, arm by arm."""

import base64
import io
from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby

from PIL import Image

from aloft.simulation.report.reading import Picked
from aloft.simulation.report.summary import Summary

Thumbnail = Callable[[str], bytes | None]
"""Gives a picture of an image by its path, as PNG, or none where there is none."""

MOST = 900
"""Pictures in all: some two kilobytes each."""
MOST_OF_ROUND, LEAST_OF_ROUND = 12, 2
SIDE, QUALITY = 72, 78


def gallery(summary: Summary, thumbnail: Thumbnail) -> str:
    """Show, for each arm, the first images of each round."""
    seeds = {one.seed for one in summary.files.picks}
    if not seeds:
        return "<p>Nothing was chosen.</p>"
    picks = [one for one in summary.files.picks if one.seed == min(seeds)]
    rounds = len({(one.strategy, one.round) for one in picks})
    shown = min(MOST_OF_ROUND, max(LEAST_OF_ROUND, MOST // rounds))
    arms = [name for name in summary.runs.strategies if any(one.strategy == name for one in picks)]
    of = {name: [one for one in picks if one.strategy == name] for name in arms}
    return f"<p>Seed {min(seeds)}, the first {shown} of each round.</p>" + "".join(
        _arm(name, of[name], shown, thumbnail) for name in arms
    )


def _arm(name: str, picks: Sequence[Picked], shown: int, thumbnail: Thumbnail) -> str:
    order = sorted(picks, key=lambda one: (one.round, one.order))
    rounds = [
        f"<h4>Round {number}</h4><div class='images'>"
        + "".join(_figure(one, thumbnail) for one in list(group)[:shown])
        + "</div>"
        for number, group in groupby(order, key=lambda one: one.round)
    ]
    return f"<details><summary>{escape(name)}</summary>{''.join(rounds)}</details>"


def _figure(one: Picked, thumbnail: Thumbnail) -> str:
    data = thumbnail(one.path)
    image = "" if data is None else f"<img alt='' src='data:image/jpeg;base64,{_small(data)}'>"
    return f"<figure title='{escape(one.path)}'>{image}<figcaption>{escape(one.why)}</figcaption></figure>"


def _small(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    image.thumbnail((SIDE, SIDE))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY, optimize=True)
    return base64.b64encode(written.getvalue()).decode()
