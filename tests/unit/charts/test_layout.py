"""Where things lie on a chart."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.charts import Curve, Span, Style, curves, intervals, styles
from aloft.charts.axis import Axis, written
from aloft.charts.curves import APART, spread
from aloft.charts.drawing import Area, Dot, Drawing, Line, Text, text_width

BLUE = Style("#0072b2")


def texts(drawing: Drawing) -> dict[str, Text]:
    return {shape.text: shape for shape in drawing.shapes if isinstance(shape, Text)}


def chart(names: list[str]) -> Drawing:
    lines = [
        Curve(name, BLUE, (0.2, 0.4 + at / 100), ((0.1, 0.3), (0.3, 0.5))) for at, name in enumerate(names)
    ]
    return curves("score", [40, 80], lines, "labelled images")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.38, 0.74, ["0.40", "0.50", "0.60", "0.70"]),
        (-0.011, 0.032, ["-0.01", "0.00", "0.01", "0.02", "0.03"]),
        (0, 340, ["0", "50", "100", "150", "200", "250", "300"]),
    ],
)
def test_an_axis_is_marked_at_round_values(low: float, high: float, said: list[str]) -> None:
    marks = written(Axis(low, high, 0, 100).levels())
    assert [float(one) for one in marks] == [float(one) for one in said]


def test_an_axis_of_one_value_still_has_a_width() -> None:
    axis = Axis.around([0.5, 0.5], 0, 100, least=0.02)
    assert axis.high - axis.low >= 0.02
    assert axis.at(0.5) == pytest.approx(50)


@given(st.lists(st.floats(50, 300), min_size=1, max_size=12).map(sorted))
def test_names_are_moved_apart_and_stay_in_order_and_within(wanted: list[float]) -> None:
    places = spread(wanted, 40, 320)
    assert all(after - before >= APART - 1e-6 for before, after in pairwise(places))
    assert places[0] >= 40
    assert places[-1] <= 320


def test_names_that_are_far_apart_stay_where_they_are() -> None:
    assert spread([60, 100, 200], 40, 320) == [60, 100, 200]


def test_names_that_are_close_move_apart_about_their_middle() -> None:
    assert spread([100, 100], 40, 320) == [100 - APART / 2, 100 + APART / 2]


@pytest.mark.parametrize("many", [1, 4, 40])
def test_all_of_a_chart_lies_on_it(many: int) -> None:
    drawing = chart([f"class_balanced(margin)+herding {number}" for number in range(many)])
    for shape in drawing.shapes:
        points = shape.points if isinstance(shape, Line | Area) else [shape.at]
        assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in points), shape
        if isinstance(shape, Text) and shape.anchor == "start":
            assert shape.at[0] + text_width(shape.text, shape.size) <= drawing.width, shape


def test_a_curve_has_its_band_its_marks_and_its_name_at_its_end() -> None:
    drawing = chart(["auto"])
    (band,) = [shape for shape in drawing.shapes if isinstance(shape, Area)]
    marks = [shape for shape in drawing.shapes if isinstance(shape, Dot)]
    assert [mark.said for mark in marks] == ["auto: 0.200 at 40", "auto: 0.400 at 80"]
    assert len(band.points) == 4
    assert band.points[0][1] > marks[0].at[1] > band.points[-1][1], "the mark is not within the band"
    assert texts(drawing)["auto"].at[1] == pytest.approx(marks[-1].at[1])


def test_a_curve_of_a_single_place_can_be_drawn() -> None:
    drawing = curves("score", [40], [Curve("auto", BLUE, (0.5,))], "labelled images")
    assert "auto" in texts(drawing)


def test_intervals_lie_about_their_values_and_nought_is_seen() -> None:
    drawing = intervals(
        "gain", [Span("auto", BLUE, 0.03, 0.02, 0.04, "+0.030"), Span("x", BLUE, 0.1, None, None, "")]
    )
    first, second = (shape for shape in drawing.shapes if isinstance(shape, Dot))
    (whisker,) = [shape for shape in drawing.shapes if isinstance(shape, Line) and shape.width == 2.2]
    assert whisker.points[0][0] < first.at[0] < whisker.points[1][0]
    assert second.at[0] > first.at[0]
    (nought,) = [
        shape
        for shape in drawing.shapes
        if isinstance(shape, Line) and shape.width == 1.4 and shape.colour == "#6b7a84"
    ]
    assert nought.points[0][0] < whisker.points[0][0]


def test_no_two_of_eighteen_arms_look_alike_and_the_plain_one_is_grey() -> None:
    names = ["random", *(f"arm {number}" for number in range(18))]
    found = styles(names, "random")
    assert len(set(found.values())) == 19
    assert found["random"].colour == "#4d4d4d"
