import numpy as np

from aloft.strategies import load
from aloft.strategies.pool import ArrayPool, hexadecimal, ids
from aloft.strategies.seeds import uniform
from tests.unit.strategies.pools import image, pool_of

RANDOM = load("random")


def test_the_score_is_the_hash_that_its_formula_says() -> None:
    def mix(value: int) -> int:
        value = (value + 0x9E3779B97F4A7C15) % 2**64
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
        return value ^ (value >> 31)

    name = "0123456789abcdef00000000000000ff"
    high = int.from_bytes(bytes.fromhex(name)[:8], "little")
    low = int.from_bytes(bytes.fromhex(name)[8:], "little")
    by_hand = (mix(mix(high ^ mix(7)) ^ low) >> 11) / 2**53
    assert uniform(ids([name]), 7).tolist() == [by_hand]


def test_the_batch_is_the_head_of_the_ranking() -> None:
    pool = pool_of([[0.0]] * 9)
    ranked = RANDOM.rank(pool, 4, 1)
    picks = RANDOM.select(pool, ranked, 4, 2)
    assert list(picks.images) == hexadecimal(ranked.images[:4])
    assert picks.picks[0].why == "Drawn at random: place 1 of 9."
    assert picks.picks[0].cluster == -1


def test_an_image_keeps_its_score_when_others_join() -> None:
    few, many = pool_of([[0.0]] * 5), pool_of([[0.0]] * 50)
    before = dict(zip(hexadecimal(few.images), uniform(few.images, 3).tolist(), strict=True))
    after = dict(zip(hexadecimal(many.images), uniform(many.images, 3).tolist(), strict=True))
    assert before.items() <= after.items()


def test_scores_are_spread_evenly_whatever_the_seed() -> None:
    images = ids([image(number) for number in range(4000)])
    for seed in (0, 1, 2**63):
        counts = np.histogram(uniform(images, seed), bins=8, range=(0, 1))[0]
        assert counts.min() > 400, f"seed {seed} prefers some images: {counts}"
        assert counts.max() < 600, f"seed {seed} prefers some images: {counts}"


def test_a_pool_smaller_than_the_batch_is_sent_out_whole_and_says_so() -> None:
    pool = pool_of([[0.0]] * 3)
    picks = RANDOM.select(pool, RANDOM.rank(pool, 5, 1), 5, 1)
    assert len(set(picks.images)) == 3
    assert picks.shortfall == "3 of 5 images: the pool has no more that can be sent out"


def test_an_empty_pool_gives_an_empty_batch() -> None:
    pool = ArrayPool(ids([]))
    assert len(RANDOM.select(pool, RANDOM.rank(pool, 5, 1), 5, 1)) == 0
