"""Charts for reports: laid out once, as shapes, and written as SVG for a page or as PNG for a picture.

Needs Pillow alone. Colours are told apart by people who see few, and each line carries its name at its end.
"""

from aloft.charts.curves import Curve, curves
from aloft.charts.drawing import Drawing
from aloft.charts.intervals import Span, intervals
from aloft.charts.png import png
from aloft.charts.styles import Style, styles
from aloft.charts.svg import svg

__all__ = ["Curve", "Drawing", "Span", "Style", "curves", "intervals", "png", "styles", "svg"]
