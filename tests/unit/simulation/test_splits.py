from collections import Counter

import numpy as np
import pytest

from aloft.kit.errors import InvalidArgument
from aloft.kit.ids import image_id
from aloft.simulation import splits
from aloft.simulation.table import read_table
from aloft.strategies.pool import Ids, ids


def images(count: int) -> Ids:
    return ids([image_id(f"{number}.png") for number in range(count)])


def test_each_stratum_is_split_in_the_same_shares() -> None:
    strata = ["coast"] * 100 + ["forest"] * 50
    found = splits.draw(images(150), [str(n) for n in range(150)], strata, seed=3)
    assert Counter(found[:100].tolist()) == {"pool": 60, "validation": 10, "test": 30}
    assert Counter(found[100:].tolist()) == {"pool": 30, "validation": 5, "test": 15}


def test_images_of_the_same_bytes_stay_together() -> None:
    digests = [str(number // 2) for number in range(100)]
    for seed in range(20):
        found = splits.draw(images(100), digests, [""] * 100, seed)
        assert (found[::2] == found[1::2]).all(), f"seed {seed} parts a pair"


def test_a_seed_draws_one_split_and_another_seed_another() -> None:
    drawn = [splits.draw(images(50), [str(n) for n in range(50)], [""] * 50, seed) for seed in (1, 1, 2)]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()


def test_what_the_table_states_is_honoured() -> None:
    table = read_table("path,split,sea\na,test,1\nb,pool,0\nc,validation,1\n", "labels.csv")
    found = splits.given(table, "labels.csv")
    assert found is not None
    assert found.tolist() == ["test", "pool", "validation"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,split,sea\na,train,1\nb,pool,0\n", "split is 'train': write one of pool, validation, test"),
        ("path,split,sea\na,test,1\nb,pool,0\n", "no image is 'validation': give at least one"),
    ],
)
def test_a_split_that_cannot_be_used_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        splits.given(read_table(text, "labels.csv"), "labels.csv")
    assert [each.description for each in caught.value.violations] == [said]


def test_a_small_set_is_split_all_the_same() -> None:
    assert len(np.unique(splits.draw(images(10), list("abcdefghij"), [""] * 10, 0))) == 3
