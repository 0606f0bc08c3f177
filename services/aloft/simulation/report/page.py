"""The report: one HTML file that needs nothing else."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from aloft.charts import Drawing, svg
from aloft.simulation.report import tables
from aloft.simulation.report.estimates import AREA, HEADLINE, METRICS, SAVED
from aloft.simulation.report.figures import with_interval
from aloft.simulation.report.gallery import Thumbnail, gallery
from aloft.simulation.report.summary import RANDOM, Summary

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#24313a;max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.2rem} h2{font-size:1.15rem;margin-top:2.4rem} h4{margin:.8rem 0 .3rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.15rem .6rem;text-align:right;border-bottom:1px solid #e6ebee;white-space:nowrap}
th{vertical-align:bottom;white-space:normal} td:first-child,th:first-child{text-align:left}
.lead{font-size:1.1rem} .dim{color:#6b7a84} .wide{overflow-x:auto} svg{width:100%;height:auto}
.settings td{white-space:normal;text-align:left} pre{background:#eef2f4;padding:.6rem;overflow-x:auto}
.images{display:grid;grid-template-columns:repeat(auto-fill,minmax(7rem,1fr));gap:.6rem}
figure{margin:0} figure img{width:100%;image-rendering:pixelated;border-radius:4px}
figcaption{font-size:.7rem;line-height:1.25} summary{cursor:pointer;font-weight:600;padding:.25rem 0}
"""

MEASURES = (
    "<b>Area</b> is the area under the curve by trapezoids, divided by its range of labels: the curve's mean"
    " height. ± and bands are Student's 95 % intervals over seeds; differences are between arms under the"
    " same seed, with the interval of the paired t test. <b>Rare positives</b> are pairs of a labelled image"
    " and a rare label that it has."
)
ALIKE = (
    "Nothing is drawn in <b>{names}</b>: every seed scores the same, so there is no interval to speak of, and"
    " that of a difference holds the chance of the other arm alone."
)
NOT_JUDGED = (
    "All images of the test split have <b>{names}</b>, or none has: there is no average precision of it, and"
    " it is in no mean."
)
SAVING = (
    "How many labels an arm needs to reach the macro mAP that {other} ends with under the same seed: where"
    " the running maximum of its curve, joined by straight lines, first comes there; an arm that never does"
    " counts with all {budget}. Means over seeds, and 95 % intervals of 10,000 bootstrap draws of seeds."
    " The last column asks of every seed for one score, the mean of {other}'s ends."
)


def html(summary: Summary, charts: Mapping[str, Drawing], thumbnail: Thumbnail | None, command: str) -> str:
    """Write the page."""
    curves = [svg(drawing) for name, drawing in charts.items() if name.startswith("curves-")]
    parts = [
        "<h1>Aloft: which images to label</h1>",
        f"<p class='lead'>{escape(headline(summary))}</p>",
        _left_out(summary),
        f"<h2>Curves</h2>{''.join(curves)}",
        f"<h2>Arms</h2><p>{MEASURES}</p>{_alike(summary)}{_not_judged(summary)}{tables.arms(summary)}",
        *(_against(summary, charts, at) for at in range(len(summary.against))),
        f"<h2>What was labelled</h2>{tables.rare_share(summary)}"
        f"<p>Labelled images that have each label in the end:</p>{tables.balance(summary)}",
        "" if thumbnail is None else f"<h2>What was chosen, and why</h2>{gallery(summary, thumbnail)}",
        f"<h2>Times</h2><p>Seconds of all rounds together, a seed.</p>{tables.times(summary)}",
        f"<h2>Settings</h2>{_settings(summary.files.settings)}",
        f"<h2>Again</h2><pre>{escape(command)}</pre>" if command else "",
    ]
    head = f"<meta charset='utf-8'><title>Aloft experiment</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def headline(summary: Summary) -> str:
    """Say in a sentence or two what came of it."""
    best = tables.by_area(summary)[0]
    first = summary.metrics[0]
    seeds = len(summary.runs.seeds(best))
    said = f"With {summary.budget} labels, {best} has the highest {METRICS[first]} curve ({seeds} seeds)."
    gain = summary.of(best, AREA, first, RANDOM)
    less = summary.of(best, SAVED, HEADLINE, RANDOM)
    if gain is None or less is None:
        return said
    return (
        f"{said} Its mean height differs from random's by {with_interval(gain)}, and it reaches what random"
        f" ends with at {less.mean:.0f} % fewer labels."
    )


def _left_out(summary: Summary) -> str:
    if not summary.runs.left_out:
        return ""
    items = "".join(f"<li>{escape(one)}</li>" for one in summary.runs.left_out)
    return f"<p>These have not come to the end and are left out:</p><ul>{items}</ul>"


def _alike(summary: Summary) -> str:
    if not summary.runs.alike:
        return ""
    names = ", ".join(map(escape, summary.runs.alike))
    return f"<p>{ALIKE.format(names=names)}</p>"


def _not_judged(summary: Summary) -> str:
    names = summary.files.settings.get("not_judged")
    if not names:
        return ""
    return f"<p>{NOT_JUDGED.format(names=escape(', '.join(names)))}</p>"


def _against(summary: Summary, charts: Mapping[str, Drawing], at: int) -> str:
    other, suffix = summary.against[at], "" if at == 0 else f"-{at + 1}"
    drawn = [f"area-{metric}{suffix}" for metric in METRICS]
    figures = "".join(svg(charts[name]) for name in drawn if name in charts)
    saving = SAVING.format(other=escape(other), budget=summary.budget)
    return (
        f"<h2>Against {escape(other)}</h2>{figures}{tables.differences(summary, other)}"
        f"<h3>Labels saved</h3><p>{saving}</p>{tables.saved(summary, other)}"
    )


def _settings(settings: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(_plain(value))}</td></tr>"
        for name, value in settings.items()
    )
    return f"<table class='settings'>{rows}</table>"


def _plain(value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
