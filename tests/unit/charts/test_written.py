"""A drawing, as SVG and as PNG."""

import io
from xml.etree import ElementTree

from PIL import Image

from aloft.charts import Drawing, png, svg
from aloft.charts.drawing import Area, Dot, Line, Text
from aloft.charts.png import SCALE

DRAWING = Drawing(
    "<a> 'chart'",
    100,
    60,
    [
        Area([(10, 10), (40, 10), (40, 30), (10, 30)], "#0072b2", 0.5),
        Line([(10, 50), (90, 50)], "#000000", 2, (10, 10)),
        Dot((70, 20), "#d55e00", 6, "a < b"),
        Text((50, 40), "<name>", "middle"),
    ],
)


def pixels() -> Image.Image:
    return Image.open(io.BytesIO(png(DRAWING))).convert("RGB")


def colour(at: tuple[int, int]) -> tuple[int, ...]:
    found = pixels().getpixel((at[0] * SCALE, at[1] * SCALE))
    assert isinstance(found, tuple)
    return found


def test_svg_holds_every_shape_and_its_texts_as_text() -> None:
    root = ElementTree.fromstring(svg(DRAWING))
    names = [child.tag.rpartition("}")[2] for child in root]
    assert names == ["polygon", "polyline", "circle", "text"]
    assert root.attrib["aria-label"] == "<a> 'chart'"
    assert root[3].text == "<name>"
    assert root[2][0].text == "a < b"
    assert root[1].attrib["stroke-dasharray"] == "10 10"


def test_a_picture_has_two_pixels_for_one_of_the_drawing() -> None:
    assert pixels().size == (200, 120)


def test_what_is_filled_lets_through_what_lies_beneath() -> None:
    red, green, blue = colour((25, 20))
    assert abs(red - 127) <= 1
    assert abs(green - (255 + 0x72) // 2) <= 1
    assert abs(blue - (255 + 0xB2) // 2) <= 1
    assert colour((50, 20)) == (255, 255, 255)


def test_a_dashed_line_has_gaps() -> None:
    assert [colour((x, 50)) == (0, 0, 0) for x in (15, 25, 35, 45)] == [True, False, True, False]


def test_dashes_go_on_around_a_corner() -> None:
    bent = Drawing("", 40, 40, [Line([(5, 5), (20, 5), (20, 30)], "#000000", 2, (10, 10))])
    drawn = Image.open(io.BytesIO(png(bent))).convert("RGB")
    # 10 drawn, 5 + 5 not, 10 drawn from (20, 10) on.
    ink = [
        drawn.getpixel((x * SCALE, y * SCALE)) == (0, 0, 0)
        for x, y in ((8, 5), (18, 5), (20, 8), (20, 15), (20, 25))
    ]
    assert ink == [True, False, False, True, False]


def test_a_mark_is_where_it_should_be() -> None:
    assert colour((70, 20)) == (0xD5, 0x5E, 0x00)
    assert colour((70, 28)) == (255, 255, 255)
