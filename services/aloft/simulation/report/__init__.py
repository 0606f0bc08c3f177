"""What an experiment came to: figures, curves and a page, made from the files that it left.

Reads `experiment.json` (of which it needs `labels` and `rare`, lists of names), `results.csv`, `picks.csv`
and `timings.csv` in a folder, and writes beside them `summary.csv`, `summary.json`, charts as SVG and PNG,
and `report.html`, which needs nothing else. Tables, charts and page all say what one summary says.
"""

from aloft.simulation.report.baselines import baselines
from aloft.simulation.report.pictures import pictures
from aloft.simulation.report.writing import write

__all__ = ["baselines", "pictures", "write"]
