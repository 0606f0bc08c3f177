import pytest

from aloft.kit.errors import InvalidArgument
from aloft.simulation.table import read_table
from tests.unit.simulation.made import table


def refused(text: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArgument) as caught:
        read_table(text, "labels.csv")
    assert "labels.csv" in caught.value.message
    return [(each.field, each.description) for each in caught.value.violations]


def test_columns_of_0_and_1_are_labels_and_the_others_are_carried() -> None:
    read = read_table("path,scene,sea,ship\nb.png,port,1,0\na.png,coast,1,1\n", "labels.csv")
    assert read.labels == ("sea", "ship")
    assert read.carried == {"scene": ("coast", "port")}
    assert read.paths == ("a.png", "b.png")
    assert read.targets.tolist() == [[1, 1], [1, 0]]
    assert read.rows == (3, 2)


def test_a_byte_order_mark_and_blank_lines_make_no_difference() -> None:
    assert read_table("\ufeffpath,sea\n\na.png,1\n\n", "labels.csv").labels == ("sea",)


def test_a_cell_that_is_neither_0_nor_1_in_a_column_of_labels_is_named_by_its_row() -> None:
    rows = [["path", "sea"], *([f"{n}.png", "1"] for n in range(5)), ["x.png", "yes"]]
    assert refused(table(rows)) == [("row 7", "sea is 'yes': write 0 or 1")]


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("", "columns", "empty"),
        ("image,sea\na.png,1\n", "columns", "no 'path'"),
        ("path,sea,sea\na.png,1,1\n", "columns", "'sea' is there twice"),
        ("path,sea\n", "rows", "none"),
        ("path,sea\na.png\n", "row 2", "1 cells under 2 columns"),
        ("path,sea\na.png,1\na.png,0\n", "row 3", "on row 2 already"),
        ("path,sea\n../a.png,1\n", "row 2", "top folder"),
        ("path,sea\n,1\n", "row 2", "path ''"),
        ("path,scene\na.png,port\n", "columns", "one column for each label"),
        ("path,sea,port\na.png,1,True\nb.png,0,False\n", "row 2", "port is 'True': write 0 or 1"),
        ("path,sea,port\na.png,1,1.0\nb.png,0,0.0\n", "row 3", "port is '0.0': write 0 or 1"),
        ("path,sea,\na.png,1,\n", "columns", "column 3 has no name"),
        ('path,sea\na.png,1\n"b.png,1\nc.png,0\n', "row 4", "quotation mark not closed"),
    ],
)
def test_each_mistake_is_named(text: str, field: str, said: str) -> None:
    assert any(where == field and said in told for where, told in refused(text)), refused(text)


def test_of_many_mistakes_the_first_are_shown_and_the_rest_counted() -> None:
    shown = refused("path,sea\n" + "a.png,1,0\n" * 30)
    assert len(shown) == 11
    assert shown[-1][1] == "and 20 more"
