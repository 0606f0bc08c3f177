"""The tables of the page."""

from collections.abc import Sequence
from html import escape

from aloft.simulation.report.estimates import (
    AREA,
    FINAL,
    HEADLINE,
    LABELLED,
    METRICS,
    RARE,
    REACH,
    SAVED,
    SAVED_COMMON,
    Estimate,
)
from aloft.simulation.report.figures import with_interval
from aloft.simulation.report.summary import Summary

NOTHING = "–"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], shade: bool = False) -> str:
    """Write a table of texts. With `shade`, a cell is the darker the larger its number in its row."""
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{_cells(row, shade)}</tr>" for row in rows)
    return f"<div class='wide'><table><tr>{head}</tr>{body}</table></div>"


def _cells(row: Sequence[str], shade: bool) -> str:
    most = max((float(cell) for cell in row[2:]), default=0.0) if shade else 0.0
    cells = []
    for at, cell in enumerate(row):
        shown = most > 0 and at > 1
        tone = f" style='background:rgba(0,114,178,{0.45 * float(cell) / most:.2f})'" if shown else ""
        cells.append(f"<td{tone}>{escape(cell)}</td>")
    return "".join(cells)


def arms(summary: Summary) -> str:
    """Give each arm's scores, the highest area first."""
    names = [name for name in summary.metrics if name != "f1_micro"]
    heads = ["arm", "seeds"]
    heads += [f"{METRICS[name]}: {what}" for name in names for what in ("area", "end")]
    heads.append("rare positives labelled")
    rows = []
    for strategy in by_area(summary):
        found = [summary.of(strategy, measure, name) for name in names for measure in (AREA, FINAL)]
        last = summary.of(strategy, LABELLED, RARE)
        seeds = str(len(summary.runs.seeds(strategy)))
        rows.append([strategy, seeds, *(_said(one, 3) for one in found), _said(last, 1)])
    return table(heads, rows)


def differences(summary: Summary, other: str) -> str:
    """Give how each arm differs from one, with 95 % intervals."""
    shown = [name for name in ("map_macro", "map_rare") if name in summary.metrics]
    columns = [(measure, name) for name in shown for measure in (AREA, FINAL)]
    heads = ["arm", "seeds", *(f"{METRICS[name]}: {measure}" for measure, name in columns), "rare positives"]
    rows = []
    for strategy in by_area(summary):
        found = [summary.of(strategy, measure, name, other) for measure, name in columns]
        last = summary.of(strategy, LABELLED, RARE, other)
        if last is not None:
            cells = [NOTHING if one is None else with_interval(one) for one in found]
            rows.append([strategy, str(last.seeds), *cells, with_interval(last, 1)])
    return table(heads, rows)


def saved(summary: Summary, other: str) -> str:
    """Give the labels with which each arm reaches what another ends with."""
    heads = ["arm", "labels needed", "saved, %", "saved, %, one score for all seeds"]
    rows = []
    for strategy in by_area(summary):
        found = [summary.of(strategy, measure, HEADLINE, other) for measure in (REACH, SAVED, SAVED_COMMON)]
        if found[0] is not None:
            rows.append([strategy, *(_between(one) for one in found)])
    return table(heads, rows)


def balance(summary: Summary) -> str:
    """Give how many labelled images have each label, the rare ones first."""
    rare = set(summary.files.rare)
    names = list(summary.runs.strategies)
    order = sorted(summary.files.labels, key=lambda label: (label not in rare, label))
    rows = [
        [label, "rare" if label in rare else "", *(f"{summary.positives[name, label]:.1f}" for name in names)]
        for label in order
    ]
    return table(["label", "", *names], rows, shade=True)


def rare_share(summary: Summary) -> str:
    """Give which share of all positives that an arm labelled are of rare labels."""
    rows = []
    for name in summary.runs.strategies:
        each = {label: summary.positives[name, label] for label in summary.files.labels}
        total, rare = sum(each.values()), sum(each[label] for label in summary.files.rare)
        without = sum(1 for count in each.values() if count == 0)
        rows.append([name, f"{rare / total:.1%}" if total else NOTHING, str(without)])
    return table(["arm", "share of rare labels", "labels without any positive"], rows)


def times(summary: Summary) -> str:
    """Give how long each stage took in all rounds together, a seed."""
    stages = list(dict.fromkeys(stage for _, stage in summary.seconds))
    rows = []
    for name in summary.runs.strategies:
        taken = [summary.seconds.get((name, stage)) for stage in stages]
        total = sum(one for one in taken if one is not None)
        rows.append([name, *(NOTHING if one is None else f"{one:.2f}" for one in taken), f"{total:.2f}"])
    return table(["arm", *stages, "in all"], rows)


def by_area(summary: Summary) -> list[str]:
    """Name the arms, that with the highest curve first."""
    first = summary.metrics[0]

    def height(name: str) -> float:
        found = summary.of(name, AREA, first)
        return 0.0 if found is None else -found.mean

    return sorted(summary.runs.strategies, key=height)


def _said(one: Estimate | None, digits: int) -> str:
    if one is None:
        return NOTHING
    if one.low is None or one.high is None:
        return f"{one.mean:.{digits}f}"
    return f"{one.mean:.{digits}f} ± {(one.high - one.low) / 2:.{digits}f}"


def _between(one: Estimate | None) -> str:
    if one is None:
        return NOTHING
    said = f"{one.mean:.0f}"
    return said if one.low is None else f"{said} ({one.low:.0f} to {one.high:.0f})"
