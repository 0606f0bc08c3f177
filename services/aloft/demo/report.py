"""The report: one HTML file that needs nothing else, with curves, what was chosen and why, and times."""

import base64
from collections.abc import Sequence
from html import escape

from aloft.demo.closing import headline
from aloft.demo.drawing import COLOURS, Curve, bars_svg, curves_svg
from aloft.demo.next_steps import next_steps
from aloft.demo.outcome import ArmOutcome, Chosen, Outcome, Round
from aloft.demo.seeds import gains, mean_curve, paired
from aloft.demo.thumbnails import Thumbnails

SHOWN = 12
"""Images of a round that are shown."""

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#24313a;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.2rem} h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse} td,th{padding:.15rem .7rem;text-align:right;border-bottom:1px solid #e6ebee}
td:first-child,th:first-child{text-align:left} .lead{font-size:1.1rem} .dim{color:#6b7a84}
.images{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.7rem}
figure{margin:0} figure img{width:100%;image-rendering:pixelated;border-radius:4px}
figcaption{font-size:.72rem;line-height:1.3} code{background:#eef2f4;padding:.1rem .35rem;border-radius:3px}
.key span{display:inline-block;width:.8rem;height:.8rem;border-radius:50%;margin:0 .35rem 0 1rem}
"""


def html(outcomes: Sequence[Outcome]) -> str:
    """Write the report; what was chosen is of the first outcome, where several differ in their seeds."""
    outcome = outcomes[0]
    parts = [
        f"<h1>Aloft: {escape(outcome.active.strategy)} against random</h1>",
        f"<p class='dim'>{escape(outcome.plan.sentence())}</p>",
        _servers(outcome),
        f"<p class='lead'>{escape(headline(outcome))}</p>",
        _curves(outcomes),
        _seeds(outcomes) if len(outcomes) > 1 else "",
        _labels(outcome),
        _rounds(outcome),
        _served(outcome),
        _times(outcome),
        _recipe(outcome),
        _next(outcomes),
    ]
    head = f"<meta charset='utf-8'><title>Aloft demonstration</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def curves_of(outcomes: Sequence[Outcome]) -> list[Curve]:
    """Give what the chart shows: the one run, or each seed faintly and the means."""
    arms = {"random": [one.random for one in outcomes], "active": [one.active for one in outcomes]}
    thin = [Curve(name, arm.curve, bold=False) for name, found in arms.items() for arm in found]
    bold = [Curve(name, mean_curve(found)) for name, found in arms.items()]
    return bold if len(outcomes) == 1 else thin + bold


def _curves(outcomes: Sequence[Outcome]) -> str:
    key = "".join(f"<span style='background:{colour}'></span>{arm}" for arm, colour in COLOURS.items())
    many = " Bold: the mean over seeds." if len(outcomes) > 1 else ""
    return (
        f"<h2>Macro mean average precision on {outcomes[0].plan.test} held-out images</h2>"
        f"<p class='key'>{key}<span></span>{many}</p>{curves_svg(curves_of(outcomes))}"
    )


def _seeds(outcomes: Sequence[Outcome]) -> str:
    together = paired(gains(outcomes))
    rows = [
        (str(one.plan.seed), f"{one.active.final:.3f}", f"{one.random.final:.3f}", f"{one.gain:+.3f}")
        for one in outcomes
    ]
    said = "" if together is None else f"<p>Difference: {escape(together.sentence())}, paired by seed.</p>"
    return f"<h2>Seeds</h2>{said}{_table(('seed', 'active', 'random', 'difference'), rows)}"


def _labels(outcome: Outcome) -> str:
    rows = [
        (
            label,
            f"{outcome.pool[label] / outcome.plan.images:.1%}",
            str(outcome.active.positives(label)),
            str(outcome.random.positives(label)),
        )
        for label in outcome.labels()
    ]
    bars = [(label, outcome.active.ap(label), outcome.random.ap(label)) for label in outcome.labels()]
    return (
        f"<h2>By label, the rarest first</h2><p>Average precision in the end:</p>{bars_svg(bars)}"
        "<p>Images that show it, in the pool and among the labelled:</p>"
        f"{_table(('label', 'in the pool', 'active', 'random'), rows)}"
    )


def _rounds(outcome: Outcome) -> str:
    thumbnails = Thumbnails(outcome.plan)
    pairs = zip(outcome.active.rounds, outcome.random.rounds, strict=True)
    return "<h2>What was chosen, and why</h2>" + "".join(
        _round(one, other, outcome, thumbnails) for one, other in pairs
    )


def _round(one: Round, other: Round, outcome: Outcome, thumbnails: Thumbnails) -> str:
    rare = outcome.labels()[: len(outcome.pool) // 2]
    mine, theirs = (sum(each.positives.get(label, 0) for label in rare) for each in (one, other))
    figures = "".join(_figure(each, thumbnails) for each in one.chosen[:SHOWN])
    more = f" The first {SHOWN} of {len(one.chosen)}:" if len(one.chosen) > SHOWN else ""
    return (
        f"<h3>Round {one.number}: by {escape(one.strategy)}</h3>"
        f"<p>It brought {mine} positives of the rarer half of the labels, the random batch {theirs}."
        f" Macro mAP {one.score:.3f}, random {other.score:.3f}.{more}</p>"
        f"<div class='images'>{figures}</div>"
    )


def _figure(one: Chosen, thumbnails: Thumbnails) -> str:
    data = base64.b64encode(thumbnails.png(one.key)).decode()
    shown = escape(", ".join(one.shown))
    caption = f"<figcaption><b>{shown}</b><br>{escape(one.why)}</figcaption>"
    return f"<figure><img alt='{shown}' src='data:image/png;base64,{data}'>{caption}</figure>"


def _servers(outcome: Outcome) -> str:
    if not outcome.ran_on:
        return ""
    found = "; ".join(f"{server} {what}" for server, what in outcome.ran_on.items())
    return f"<p class='dim'>Each service a process of its own, on {escape(found)}.</p>"


def _served(outcome: Outcome) -> str:
    rows = [
        (arm.campaign, str(one.version), one.digest, ", ".join(one.predicted) or "–", ", ".join(one.shown))
        for arm in (outcome.active, outcome.random)
        if (one := arm.served) is not None
    ]
    if not rows:
        return ""
    heads = ("campaign", "version", "sha256 of its archive", "says", "shows")
    return (
        "<h2>What is served</h2><p>In the end TorchServe was asked for a held-out image without naming a"
        f" version, and answered with the one that had learned from all labels:</p>{_table(heads, rows)}"
    )


def _times(outcome: Outcome) -> str:
    once = [(stage, f"{seconds:.1f}", "") for stage, seconds in outcome.stages.items()]
    active, random = outcome.active.average_seconds(), outcome.random.average_seconds()
    each = [
        (f"{stage}, in a round", f"{active[stage]:.1f}", f"{random.get(stage, 0):.1f}") for stage in active
    ]
    memory = f"{outcome.seconds:.0f} s in all; at most {outcome.peak_mb / 1024:.1f} GB of memory."
    return f"<h2>Times</h2><p>{memory}</p>{_table(('stage', 'active, s', 'random, s'), once + each)}"


def _recipe(outcome: Outcome) -> str:
    plan = outcome.plan
    learned, trained = plan.pretraining, plan.training
    tuned = (
        f"the whole network in {trained.steps} steps of {trained.batch_images} images"
        f" at {trained.learning_rate:g}"
        if trained.full
        else "a head solved on the frozen network's features"
    )
    return (
        "<h2>How</h2><p>Both arms are campaigns of one system: the same pool, the same pre-trained weights"
        f" (SimCLR, {learned.steps} steps of {learned.batch_images} images at {learned.learning_rate:g}),"
        f" the same budget, the same training ({tuned}), chosen for the random arm's benefit. A simulated"
        f" vendor labelled both through the public API. {_stopped(outcome.active)}"
        f" {_stopped(outcome.random)}</p>"
    )


def _stopped(arm: ArmOutcome) -> str:
    return f"{escape(arm.stopped)} stopped {escape(arm.campaign)}."


def _next(outcomes: Sequence[Outcome]) -> str:
    items = "".join(
        f"<li><code>{escape(command)}</code>: {escape(what)}</li>" for command, what in next_steps(outcomes)
    )
    return f"<h2>Three things to try next</h2><ul>{items}</ul>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
