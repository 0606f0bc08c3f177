"""Writes what a demonstration leaves: the report, its picture, and the figures for a script."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aloft.demo.outcome import Outcome, as_dict
from aloft.demo.poster import draw_poster
from aloft.demo.report import html
from aloft.demo.seeds import gains, paired


def write_all(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Write the files into a folder, in the place of those of an earlier run; say where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    report, picture, figures = (folder / name for name in ("report.html", "report.png", "outcome.json"))
    report.write_text(html(outcomes))
    draw_poster(outcomes, picture)
    figures.write_text(json.dumps(for_script(outcomes), indent=1) + "\n")
    return [report, picture, figures]


def for_script(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    """Write outcomes as one dictionary: the first run's, and over seeds the difference."""
    first = as_dict(outcomes[0])
    if len(outcomes) == 1:
        return first
    together = paired(gains(outcomes))
    return {
        "seeds": [as_dict(outcome) for outcome in outcomes],
        "difference": None if together is None else asdict(together),
    }
