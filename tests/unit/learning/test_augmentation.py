import numpy as np
import pytest
import torch

from aloft.learning import Augmentation
from aloft.learning.augmentation import augment
from aloft.learning.draws import Batches, drawn

TURNS_ALONE = Augmentation(smallest_crop=1.0, aspect=1.0, gain=0.0, offset=0.0, grey=0.0)
EVERYTHING = Augmentation(smallest_crop=0.3, aspect=1.5, gain=0.4, offset=0.4, grey=0.5)


def image(height: int, width: int, bands: int = 1) -> torch.Tensor:
    values = np.random.default_rng(0).normal(size=(1, bands, height, width))
    return torch.from_numpy(values.astype(np.float32))


def orientations(picture: torch.Tensor, turns: tuple[int, ...]) -> list[torch.Tensor]:
    turned = [torch.rot90(picture, turn, (2, 3)) for turn in turns]
    return [each.flip(3) if mirrored else each for each in turned for mirrored in (False, True)]


@pytest.mark.parametrize(("height", "width", "turns"), [(6, 6, (0, 1, 2, 3)), (4, 8, (0, 2))])
def test_a_view_has_any_orientation_that_keeps_the_shape(
    height: int, width: int, turns: tuple[int, ...]
) -> None:
    picture = image(height, width)
    views = augment(picture.expand(200, -1, -1, -1), TURNS_ALONE, drawn(0, "views", 0))
    wanted = orientations(picture, turns)
    found = torch.stack([(views - each).abs().amax(dim=(1, 2, 3)) < 1e-4 for each in wanted])
    assert found.any(dim=0).all(), "a view is neither a turn nor a mirror image of its image"
    assert found.any(dim=1).all(), "an orientation never came"


@pytest.mark.parametrize("bands", [1, 3, 12])
def test_views_of_any_number_of_bands_are_drawn_by_step(bands: int) -> None:
    pictures = image(16, 16, bands).expand(8, -1, -1, -1)
    first, again, later = (augment(pictures, EVERYTHING, drawn(0, "views", step)) for step in (1, 1, 2))
    assert first.shape == pictures.shape
    assert torch.equal(first, again), "the same step gave other views"
    assert not torch.equal(first, later), "two steps gave the same views"
    assert not torch.equal(first[0], first[1]), "two images of a batch were treated alike"


def test_a_crop_stays_inside_its_image() -> None:
    ramp = torch.linspace(-1, 1, 32).expand(1, 1, 32, 32)
    how = Augmentation(smallest_crop=0.2, aspect=2.0, gain=0.0, offset=0.0, grey=0.0)
    views = augment(ramp.expand(100, -1, -1, -1), how, drawn(0, "views", 0))
    spread = views.amax(dim=(1, 2, 3)) - views.amin(dim=(1, 2, 3))
    assert (views.abs() <= 1.0).all()
    assert spread.min() < 1.2, "no view was cropped"
    assert spread.max() > 1.6, "no view has nearly the whole image"


def test_only_three_bands_turn_grey_and_only_some_images() -> None:
    how = Augmentation(smallest_crop=1.0, aspect=1.0, gain=0.0, offset=0.0, grey=0.5)
    views = augment(image(8, 8, 3).expand(100, -1, -1, -1), how, drawn(0, "views", 0))
    grey = (views.std(dim=1) < 1e-5).all(dim=2).all(dim=1)
    assert 20 < int(grey.sum()) < 80


def test_batches_show_every_image_before_any_again() -> None:
    batches = Batches(12, 4, seed=3)
    for epoch in range(3):
        seen = np.concatenate([batches.rows(3 * epoch + place) for place in range(3)])
        assert sorted(seen) == list(range(12))


def test_a_step_takes_the_same_images_whatever_was_asked_before() -> None:
    straight = [Batches(10, 3, seed=3).rows(step) for step in range(9)]
    batches = Batches(10, 3, seed=3)
    for step in (8, 0, 4):
        np.testing.assert_array_equal(batches.rows(step), straight[step])
    assert all(len(set(rows)) == 3 for rows in straight)
    assert any((Batches(10, 3, seed=4).rows(0) != straight[0]).tolist()), "the seed decides nothing"


def test_a_batch_is_never_larger_than_the_pool() -> None:
    np.testing.assert_array_equal(Batches(3, 32, seed=0).rows(7), [0, 1, 2])


def test_no_batch_is_made_of_nothing() -> None:
    with pytest.raises(ValueError, match="0 images"):
        Batches(0, 32, seed=0)
