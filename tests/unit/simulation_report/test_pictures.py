import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aloft.imagery import ImageSpec
from aloft.kit.errors import InvalidArgument
from aloft.simulation.options import options_of
from aloft.simulation.report import baselines, pictures
from aloft.simulation.report.pictures import png_of


def mean_colour(data: bytes) -> list[float]:
    with Image.open(io.BytesIO(data)) as opened:
        return [float(value) for value in np.asarray(opened).reshape(-1, len(opened.getbands())).mean(axis=0)]


def test_a_picture_shows_the_image_as_it_was_before_it_was_normalised(tmp_path: Path) -> None:
    Image.new("RGB", (20, 10), (200, 100, 50)).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("path,field,road\na.png,1,0\n")
    asked = options_of({"data": tmp_path, "out": tmp_path / "out", "strategies": ["random"], "size": 8})
    thumbnail = pictures(asked, tmp_path / "cache")
    data = thumbnail("a.png")
    assert data is not None
    assert mean_colour(data) == pytest.approx([200, 100, 50], abs=1)
    assert thumbnail("b.png") is None


@pytest.mark.parametrize(("bands", "shown"), [(1, 1), (2, 1), (3, 3), (12, 3)])
def test_of_many_bands_three_are_shown_and_of_fewer_one(bands: int, shown: int) -> None:
    pixels = np.full((4, 4, bands), -1.9, dtype=np.float16)
    colour = mean_colour(png_of(pixels, ImageSpec(4, 4, bands)))
    assert len(colour) == shown
    assert (colour[0] > 200) == (bands != 3), "what is dim throughout is not made brighter"


def test_arms_to_compare_with_are_spelled_as_results_spell_them(tmp_path: Path) -> None:
    given = {"data": tmp_path, "out": tmp_path, "strategies": ["random", "random > mge + kmeans"]}
    assert baselines(options_of({**given, "against": ["random>mge+kmeans"]})) == ("random>mge+kmeans",)
    with pytest.raises(InvalidArgument, match="against: centroids is not played: add it to the strategies"):
        baselines(options_of({**given, "against": ["centroids"]}))
