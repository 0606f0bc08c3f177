"""Writes all that a report consists of into the experiment's folder."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from aloft.charts import png, svg
from aloft.simulation.report.estimates import Estimate
from aloft.simulation.report.figures import charts
from aloft.simulation.report.gallery import Thumbnail
from aloft.simulation.report.page import headline, html
from aloft.simulation.report.reading import read
from aloft.simulation.report.summary import Summary, summarise


def write(
    out: Path, against: Sequence[str] = (), thumbnail: Thumbnail | None = None, command: str = ""
) -> Summary:
    """Sum up the experiment in a folder and write the report beside it; returns what it says.

    Arms are compared with `random` and with those in `against`. `thumbnail` gives the pictures of the
    galleries; without it the page has none. `command` is what does it again.
    """
    summary = summarise(read(out), against)
    drawn = charts(summary)
    (out / "summary.csv").write_text(_csv(summary), encoding="utf-8")
    (out / "summary.json").write_text(_json(summary), encoding="utf-8")
    for name, drawing in drawn.items():
        (out / f"{name}.svg").write_text(svg(drawing), encoding="utf-8")
        (out / f"{name}.png").write_bytes(png(drawing))
    (out / "report.html").write_text(html(summary, drawn, thumbnail, command), encoding="utf-8")
    return summary


def _csv(summary: Summary) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, [one.name for one in fields(Estimate)], lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(one) for one in summary.estimates.values())
    return text.getvalue()


def _json(summary: Summary) -> str:
    names = summary.runs.strategies
    written = {
        "headline": headline(summary),
        "labels": summary.runs.labels.tolist(),
        "against": list(summary.against),
        "left_out": list(summary.runs.left_out),
        "alike_under_every_seed": list(summary.runs.alike),
        "estimates": [asdict(one) for one in summary.estimates.values()],
        "positives": {
            name: {label: summary.positives[name, label] for label in summary.files.labels} for name in names
        },
        "seconds": {
            name: {stage: taken for (arm, stage), taken in summary.seconds.items() if arm == name}
            for name in names
        },
    }
    return json.dumps(written, indent=1, ensure_ascii=False) + "\n"
