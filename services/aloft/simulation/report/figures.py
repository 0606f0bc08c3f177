"""The charts of an experiment: curves with bands for each metric, and differences in area with intervals."""

from collections.abc import Mapping, Sequence

from aloft.charts import Curve, Drawing, Span, Style, curves, intervals, styles
from aloft.simulation.report.estimates import AREA, METRICS, Estimate
from aloft.simulation.report.student import Mean
from aloft.simulation.report.summary import RANDOM, Summary

DRAWN = ("map_macro", "map_rare", "map_micro", "f1_macro")
COMPARED = ("map_macro", "map_rare")


def charts(summary: Summary) -> dict[str, Drawing]:
    """Lay all charts out, each under the name of its files."""
    of = styles(summary.runs.strategies, RANDOM)
    drawn = [metric for metric in DRAWN if metric in summary.metrics]
    found = {f"curves-{metric}": _curves(summary, metric, of) for metric in drawn}
    for metric in COMPARED:
        for number, other in enumerate(summary.against):
            # Names of files come from places in the list: an expression holds signs that paths do not.
            name = f"area-{metric}" if number == 0 else f"area-{metric}-{number + 1}"
            spans = [] if metric not in drawn else _spans(summary, metric, other, of)
            if spans:
                title = f"Mean height of the {METRICS[metric]} curve: difference from {other}"
                found[name] = intervals(title, spans)
    return found


def _curves(summary: Summary, metric: str, of: Mapping[str, Style]) -> Drawing:
    lines = [_line(name, summary.curves[metric, name], of[name]) for name in summary.runs.strategies]
    seeds = max(len(summary.runs.seeds(name)) for name in summary.runs.strategies)
    many = f"mean of {seeds} seeds, bands: 95 % intervals" if seeds > 1 else "one seed"
    title = f"On held-out images: {METRICS[metric]}, {many}"
    return curves(title, [float(one) for one in summary.runs.labels], lines, "labelled images")


def _line(name: str, means: Sequence[Mean], style: Style) -> Curve:
    band = [(one.low, one.high) for one in means if one.low is not None and one.high is not None]
    return Curve(name, style, [one.mean for one in means], band)


def _spans(summary: Summary, metric: str, other: str, of: Mapping[str, Style]) -> list[Span]:
    found = [summary.of(name, AREA, metric, other) for name in summary.runs.strategies]
    order = sorted((one for one in found if one is not None), key=lambda one: -one.mean)
    return [
        Span(one.strategy, of[one.strategy], one.mean, one.low, one.high, with_interval(one)) for one in order
    ]


def with_interval(one: Estimate, digits: int = 3) -> str:
    """Write a difference and its interval."""
    said = f"{one.mean:+.{digits}f}"
    return said if one.low is None else f"{said} ({one.low:+.{digits}f} to {one.high:+.{digits}f})"
