"""What stays of a demonstration: a page, a picture and figures."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from aloft.demo.closing import page
from aloft.demo.plan import WHOLE
from aloft.demo.pool import key_of
from aloft.demo.report import html
from aloft.demo.thumbnails import Thumbnails
from aloft.demo.writing import write_all
from tests.unit.demo.recorded import PLAN, outcome, outcome_on_servers

VOID = {"meta", "img", "br", "line", "circle", "rect", "polyline"}


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


def test_the_report_needs_nothing_else_and_is_well_formed() -> None:
    written = html([outcome()])
    reader = Balanced()
    reader.feed(written)
    assert reader.open == [], "tags stay open"
    links = re.findall(r"(?:src|href)='([^']*)'", written)
    assert links, "there are thumbnails"
    assert all(link.startswith("data:image/png;base64,") for link in links), (
        "something is fetched from elsewhere"
    )
    assert "<script" not in written


def test_the_report_says_what_was_chosen_and_why() -> None:
    written = html([outcome()])
    assert "Because of &lt;3&gt;." in written, "a reason is missing, or was not escaped"
    assert "Round 2: by mge+kmeans" in written
    assert "25% saved" in written
    assert written.count("<li>") == 3, "three next things to try"
    assert "not judged" in written, "a label without a held-out positive says so"


def test_the_report_of_several_seeds_has_the_paired_difference() -> None:
    written = html([outcome(0.6, 0.5), outcome(0.62, 0.5, PLAN.seeded(4))])
    assert "+0.110 (95 % interval" in written
    assert written.count("<polyline") == 6, "two arms of two seeds, and two means"


def test_files_take_the_place_of_those_of_an_earlier_run(tmp_path: Path) -> None:
    write_all([outcome(0.6)], tmp_path / "out")
    written = write_all([outcome(0.7)], tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in written)
    assert json.loads((tmp_path / "out" / "outcome.json").read_text())["gain"] == 0.2
    with Image.open(tmp_path / "out" / "report.png") as picture:
        assert picture.width == 1400
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 50, "the picture is empty"


def test_a_person_reads_how_it_ended_and_where_it_is_written() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(page([outcome()], [Path("aloft-demo/report.html")]))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for expected in ("0.600", "+0.100", "25% saved", "75.0%", "1.5 GB", "Because of <0>.", "report.html"):
        assert expected in shown, f"the closing page lacks {expected!r}:\n{shown}"


@pytest.mark.parametrize("bands", [3, 12])
def test_pictures_are_of_any_pool(bands: int) -> None:

    plan = replace(PLAN, bands=bands)
    png = Thumbnails(plan).png(key_of(2, plan.seed, bands))
    with Image.open(io.BytesIO(png)) as opened:
        assert (opened.size, opened.mode) == ((16, 16), "RGB")


def test_what_to_try_next_follows_from_what_was_shown() -> None:
    assert "aloft demo --seeds 5" not in html([outcome()]), "a small run is to be followed by the whole one"
    assert "aloft demo --seeds 5" in html([outcome(plan=replace(WHOLE, seed=PLAN.seed))])


def test_on_servers_the_report_says_on_which_and_what_answers_there() -> None:
    written = html([outcome_on_servers()])
    assert "Kafka 1 broker at &lt;here&gt;:9092" in written
    for digest in ("ab" * 32, "cd" * 32):
        assert f"<td>3</td><td>{digest}</td>" in written, "a version is not shown with its archive's digest"
    assert "&lt;cars&gt;" in written
    assert "What is served" not in html([outcome()]), "embedded, nobody can be asked"


def test_on_servers_a_person_reads_what_answers_there() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(page([outcome_on_servers()], []))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for expected in ("1 broker at <here>:9092", "version 3 (sha256 cdcdcdcdcdcd…) says trees"):
        assert expected in shown, f"the closing page lacks {expected!r}:\n{shown}"
