"""What a report consists of: tables, charts and a page that say the same."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from aloft.simulation.report import write
from tests.unit.simulation_report.left import ARMS, leave

VOID = {"meta", "img", "br", "line", "circle", "rect", "polyline", "polygon"}
CHARTS = {"curves-map_macro", "curves-map_rare", "area-map_macro", "area-map_rare"}


class Balanced(HTMLParser):
    """Fails where a tag is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def picture(path: str) -> bytes | None:
    if path == "2.png":
        return None
    data = io.BytesIO()
    Image.new("RGB", (200, 100), "green").save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = leave(tmp_path_factory.mktemp("out"))
    write(folder, thumbnail=picture, command="aloft simulate --seeds 2 > log")
    return folder


def test_every_chart_is_there_as_svg_and_as_png(out: Path) -> None:
    assert {path.stem for path in out.glob("*.svg")} == CHARTS
    assert {path.stem for path in out.glob("*.png")} == CHARTS
    for path in out.glob("*.svg"):
        root = ElementTree.fromstring(path.read_text())
        with Image.open(path.with_suffix(".png")) as drawn:
            assert root.attrib["viewBox"] == f"0 0 {drawn.width // 2} {drawn.height // 2}", path.name


def test_the_page_needs_nothing_else_and_is_well_formed(out: Path) -> None:
    page = (out / "report.html").read_text()
    reader = Balanced()
    reader.feed(page)
    assert reader.open == [], "tags stay open"
    links = re.findall(r"(?:src|href)='([^']*)'", page)
    assert links, "there are pictures"
    assert all(link.startswith("data:image/jpeg;base64,") for link in links), "something is fetched"
    assert "<script" not in page
    assert "url(" not in page


def test_the_page_writes_names_and_reasons_as_text(out: Path) -> None:
    page = (out / "report.html").read_text()
    assert "mge&lt;kmeans" in page
    assert "mge<kmeans" not in page
    assert "Because of &lt;3&gt;." in page


def test_the_page_says_how_to_do_it_again_and_what_was_asked(out: Path) -> None:
    page = (out / "report.html").read_text()
    assert "<pre>aloft simulate --seeds 2 &gt; log</pre>" in page
    assert "<td>batch</td><td>40</td>" in page


def test_table_and_page_say_the_same(out: Path) -> None:
    rows = list(csv.DictReader((out / "summary.csv").read_text().splitlines()))
    written = json.loads((out / "summary.json").read_text())["estimates"]
    assert [row["mean"] for row in rows] == [repr(one["mean"]) for one in written]
    (gain,) = [
        row
        for row in rows
        if (row["strategy"], row["measure"], row["metric"], row["against"])
        == ("mge<kmeans", "area", "map_macro", "random")
    ]
    said = f"{float(gain['mean']):+.3f} ({float(gain['low']):+.3f} to {float(gain['high']):+.3f})"
    page = (out / "report.html").read_text()
    assert page.count(said) >= 3, "headline, table and chart do not agree"
    assert said in (out / "area-map_macro.svg").read_text()


def test_pictures_are_made_small_and_one_that_is_missing_is_left_out(out: Path) -> None:
    page = (out / "report.html").read_text()
    assert page.count("<img ") == 2 * 2, "two arms of three rounds, of which one has no picture"
    assert page.count("<figcaption>") == 2 * 3


def test_the_page_says_in_which_arms_nothing_is_drawn(tmp_path: Path) -> None:
    write(leave(tmp_path, {**ARMS, "herding": dict.fromkeys((0, 1), (0.4, 0.7, 0.8))}))
    assert "Nothing is drawn in <b>herding</b>" in (tmp_path / "report.html").read_text()


def test_without_pictures_there_is_no_gallery(tmp_path: Path) -> None:
    write(leave(tmp_path))
    page = (tmp_path / "report.html").read_text()
    assert "<img" not in page
    assert "What was chosen" not in page


def test_the_same_results_give_the_same_report(out: Path, tmp_path: Path) -> None:
    write(leave(tmp_path), thumbnail=picture, command="aloft simulate --seeds 2 > log")
    differ = [path.name for path in out.iterdir() if path.read_bytes() != (tmp_path / path.name).read_bytes()]
    assert differ == []


def test_one_seed_of_one_arm_is_a_report_too(tmp_path: Path) -> None:
    write(leave(tmp_path, {"random": {0: ARMS["random"][0]}}))
    page = (tmp_path / "report.html").read_text()
    assert "one seed" in page
    assert {path.stem for path in tmp_path.glob("*.svg")} == {"curves-map_macro", "curves-map_rare"}


def test_labels_that_could_not_be_judged_are_named(tmp_path: Path) -> None:
    write(leave(tmp_path, settings={"not_judged": ["sc<arce"]}))
    page = (tmp_path / "report.html").read_text()
    assert "<b>sc&lt;arce</b>, or none has" in page
