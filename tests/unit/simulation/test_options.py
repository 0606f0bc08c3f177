from pathlib import Path

import pytest

from aloft.kit.errors import InvalidArgument
from aloft.simulation.options import Options, options_of
from aloft.simulation.thinning import Imbalance

NEEDED = {"data": "images", "out": "out", "strategies": ["random"]}


def refused(**given: object) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as caught:
        options_of({**NEEDED, **given})
    return {each.field: each.description for each in caught.value.violations}


def test_what_is_not_given_has_the_value_that_is_documented() -> None:
    options = options_of(NEEDED)
    assert isinstance(options, Options)
    assert (options.initial, options.batch, options.init, options.mode) == (40, 40, "ssl", "probe")


def test_an_imbalance_is_read() -> None:
    assert options_of({**NEEDED, "imbalance": "below=9,keep=0.5"}).imbalance == Imbalance(9, 0.5)


def test_of_a_recipe_only_what_differs_is_given() -> None:
    recipe = options_of({**NEEDED, "fine_tune": {"steps": 7, "augmentation": {"grey": 0.5}}}).fine_tune
    assert (recipe.steps, recipe.augmentation.grey) == (7, 0.5)
    assert recipe.batch_images == 32
    assert recipe.augmentation.smallest_crop == 0.6


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"batch": 0}, "batch", "greater than or equal to 1"),
        ({"rounds": "many"}, "rounds", "valid integer"),
        ({"mode": "half"}, "mode", "'probe' or 'full'"),
        ({"imbalance": "a lot"}, "imbalance", "such as below=120,keep=0.15"),
        ({"init": "nowhere.safetensors"}, "init", "there is no file nowhere.safetensors"),
        ({"init": "scratch", "unlabelled": "more"}, "unlabelled", "only init ssl sees these"),
        ({"bach": 40}, "bach", "there is no such option; there are data, out"),
        ({"fine_tune": {"step": 7}}, "fine_tune", "there is no step; there are steps"),
        ({"fine_tune": {"steps": -5}}, "fine_tune", "steps is -5: give at least 0"),
        ({"fine_tune": {"steps": 0}, "mode": "full"}, "fine_tune", "steps is 0"),
        ({"fine_tune": {"batch_images": 0}}, "fine_tune", "batch_images is 0: give at least 1"),
        ({"fine_tune": {"average": 2}}, "fine_tune", "average is 2.0: give 0 to 1"),
        ({"fine_tune": {"seed": 7}}, "fine_tune", "leave it out"),
        ({"fine_tune": {"augmentation": 3}}, "fine_tune", "3 is no table; give one of smallest_crop"),
        ({"imbalance": {"below": 20, "keep": 7}}, "imbalance", "keep a share from 0 to 1"),
        ({"out": __file__}, "out", "is a file; name a folder"),
        ({"save_init": str(Path(__file__).parent)}, "save_init", "is a folder; name a file"),
        ({"strategies": []}, "strategies", "at least 1"),
    ],
)
def test_each_mistake_names_its_option(given: dict[str, object], field: str, said: str) -> None:
    assert said in refused(**given)[field]


def test_what_is_needed_is_named() -> None:
    with pytest.raises(InvalidArgument) as caught:
        options_of({"data": Path("images")})
    assert [each.field for each in caught.value.violations] == ["out", "strategies"]
