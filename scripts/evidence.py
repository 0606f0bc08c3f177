"""Write the tables of `docs/evidence.md` from what experiments came to, or prove that they agree (`--check`).

`evidence.py take NAME FOLDER…` keeps what the tables need of the reports in the folders, in
`docs/evidence/NAME.csv`; where two have an arm, the later one's counts.
"""

import argparse
import csv
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "evidence.md"
COLUMNS = ("strategy", "measure", "metric", "against", "seeds", "mean", "low", "high")
MEASURES, METRICS = ("area", "final", "saved_percent"), ("map_macro", "map_rare")
DEFAULT, RANDOM, PEER = "auto", "random", "random>mge+kmeans"

Row = Mapping[str, str]
Arms = Mapping[str, Mapping[tuple[str, str, str], Row]]
"""By strategy; then by measure, metric and what it is held against."""


def read(path: Path) -> Arms:
    """Read a summary."""
    arms: dict[str, dict[tuple[str, str, str], Row]] = defaultdict(dict)
    with path.open(newline="") as opened:
        for row in csv.DictReader(opened):
            arms[row["strategy"]][row["measure"], row["metric"], row["against"]] = row
    return arms


def take(name: str, folders: Sequence[Path]) -> None:
    """Keep what the tables need."""
    arms: dict[str, Mapping[tuple[str, str, str], Row]] = {}
    for folder in folders:
        arms.update(read(folder / "summary.csv"))
    kept = (
        {**row, **{each: f"{float(row[each]):.8f}" for each in ("mean", "low", "high") if row[each]}}
        for strategy in sorted(arms)
        for (measure, metric, _), row in arms[strategy].items()
        if measure in MEASURES and metric in METRICS
    )
    path = DOCS / "evidence" / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)


def arms_table(name: str) -> str:
    """Set out every arm of an experiment, the best area first."""
    lines: list[tuple[float, str]] = []
    for strategy, row in read(DOCS / "evidence" / f"{name}.csv").items():
        end = f"| `{strategy}` | {float(row['final', 'map_macro', '']['mean']):.3f} |"
        if strategy == RANDOM:
            lines.append((0.0, f"{end} | | |"))
            continue
        area, rare = (row["area", metric, RANDOM] for metric in METRICS)
        saved = percent(row["saved_percent", "map_macro", RANDOM])
        lines.append((float(area["mean"]), f"{end} {interval(area)} | {interval(rare)} | {saved} |"))
    head = "| arm | ends at | area over random's | rare labels: area over random's | labels saved |"
    return "\n".join([head, rule(5), *(line for _, line in sorted(lines, key=lambda each: -each[0]))])


def answer_table(names: str) -> str:
    """Set out the default's figures of several experiments, `pool=NAME` each."""
    lines = [
        "| pool | macro mAP: area over random's | rare labels: area over random's"
        f" | area over `{PEER}`'s | rare labels, over the same | labels saved |",
        rule(6),
    ]
    for pool, _, name in (each.partition("=") for each in names.split()):
        row = read(DOCS / "evidence" / f"{name}.csv")[DEFAULT]
        areas = [interval(row["area", metric, against]) for against in (RANDOM, PEER) for metric in METRICS]
        saved = percent(row["saved_percent", "map_macro", RANDOM])
        lines.append(f"| {' | '.join([pool, *areas, saved])} |")
    return "\n".join(lines)


def interval(row: Row) -> str:
    """Write a difference with its interval."""
    mean, low, high = (f"{float(row[each]):+.3f}".replace("-", "−") for each in ("mean", "low", "high"))
    return f"{mean} ({low} … {high})"


def percent(row: Row) -> str:
    """Write a percentage with its interval."""
    mean, low, high = (f"{float(row[each]):.0f}" for each in ("mean", "low", "high"))
    return f"{mean} % ({low} … {high})"


def rule(columns: int) -> str:
    """Draw the line below a table's head."""
    return "| " + " | ".join(["---"] * columns) + " |"


TABLES: Mapping[str, Callable[[str], str]] = {"arms": arms_table, "answer": answer_table}
_TABLE = re.compile(r"(<!-- (arms|answer) (.+?) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def written(page: str) -> str:
    """Put every table in its place."""
    return _TABLE.sub(lambda found: found[1] + TABLES[found[2]](found[3]) + found[4], page)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("take", nargs="*", metavar="take NAME FOLDER")
    asked = parser.parse_args()
    if asked.take:
        if asked.take[0] != "take" or len(asked.take) < 3:
            parser.error("say `take NAME FOLDER…`")
        take(asked.take[1], [Path(each) for each in asked.take[2:]])
        return 0
    page = PAGE.read_text()
    if asked.check:
        if written(page) != page:
            print("docs/evidence.md: a table is not what docs/evidence/ says: run scripts/evidence.py")
            return 1
        return 0
    PAGE.write_text(written(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
