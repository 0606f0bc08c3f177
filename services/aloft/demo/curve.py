"""The curves so far, drawn with letters."""

from collections.abc import Sequence

from rich.text import Text

WIDTH, HEIGHT = 46, 7
MARKS = (("random", "○", "yellow"), ("active", "●", "cyan"))
"""What is drawn later lies above."""


def curve_rows(active: Sequence[float], random: Sequence[float], batches: int, batch_size: int) -> list[Text]:
    """Draw the score of both arms after each batch; nothing while there is none."""
    scores = [*active, *random]
    if not scores:
        return []
    low, high = _bounds(scores)
    grid = [[(" ", "")] * WIDTH for _ in range(HEIGHT)]
    for values, (_, mark, style) in zip((random, active), MARKS, strict=True):
        for number, value in enumerate(values):
            column = round((number + 1) / batches * (WIDTH - 1))
            row = round((high - value) / (high - low) * (HEIGHT - 1))
            grid[row][column] = (mark, style)
    rows = []
    for number, cells in enumerate(grid):
        level = high - number / (HEIGHT - 1) * (high - low)
        side = f"{level:6.2f} │" if number in (0, HEIGHT // 2, HEIGHT - 1) else "       │"
        rows.append(Text.assemble((side, "dim"), *cells))
    rows.append(Text(f"       └{'─' * WIDTH} {batches * batch_size} labels", "dim"))
    names = [part for name, mark, style in reversed(MARKS) for part in ((mark, style), f" {name}   ")]
    rows.append(Text.assemble("        ", *names, ("macro mean average precision, held-out images", "dim")))
    return rows


def _bounds(scores: Sequence[float]) -> tuple[float, float]:
    low, high = min(scores), max(scores)
    return (low, high) if high - low > 0.02 else (low - 0.01, high + 0.01)
