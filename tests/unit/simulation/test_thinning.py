import numpy as np
import pytest

from aloft.kit.ids import image_id
from aloft.simulation import thinning
from aloft.simulation.thinning import Imbalance
from aloft.strategies.pool import ids

TARGETS = np.column_stack([np.ones(1000), np.arange(1000) % 10 == 0]).astype(np.uint8)
IMAGES = ids([image_id(str(number)) for number in range(1000)])


def test_an_imbalance_is_read_as_it_is_written() -> None:
    assert thinning.parse("below=120, keep=0.15") == Imbalance(120, 0.15)
    assert thinning.parse(str(Imbalance(120, 0.15))) == Imbalance(120, 0.15)


@pytest.mark.parametrize(
    "spec", ["", "below=120", "keep=0.1,below=3", "below=-1,keep=0.5", "below=5,keep=1.5"]
)
def test_anything_else_is_refused_with_an_example(spec: str) -> None:
    with pytest.raises(ValueError, match=r"such as below=120,keep=0\.15"):
        thinning.parse(spec)


def test_images_with_a_scarce_label_are_thinned_and_no_others() -> None:
    scarce = thinning.rare(TARGETS, Imbalance(120, 0.15), share=0.0)
    assert scarce.tolist() == [False, True]
    kept = thinning.kept(IMAGES, TARGETS, scarce, 0.15, seed=0)
    assert kept[TARGETS[:, 1] == 0].all()
    assert 5 <= kept[TARGETS[:, 1] == 1].sum() <= 30


def test_where_nothing_is_thinned_a_share_says_what_is_rare() -> None:
    assert thinning.rare(TARGETS, None, share=0.1).tolist() == [False, False]
    assert thinning.rare(TARGETS, None, share=0.11).tolist() == [False, True]
