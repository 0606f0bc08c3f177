import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from aloft.embedding.use_cases.pipeline import Feed, run
from aloft.pool_images import PoolImage, Reason, Rejected


class Sums:
    """A network that adds up each image, and remembers the sizes of its batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def submit(self, images: NDArray[np.float32]) -> "Sums.Ready":
        self.sizes.append(len(images))
        return Sums.Ready(images.sum(axis=(1, 2)))

    class Ready:
        """What was computed."""

        def __init__(self, values: NDArray[np.float32]) -> None:
            self.values = values

        def result(self) -> NDArray[np.float32]:
            return self.values


def image(number: int) -> PoolImage:
    return PoolImage(f"{number:032x}", str(number), "e", 1)


def load(wanted: PoolImage) -> NDArray[np.float32] | Rejected:
    number = int(wanted.key)
    if number % 5 == 3:
        return Rejected(wanted, Reason.UNREADABLE, "bad")
    return np.full((2, 2, 1), number, np.float32)


def test_every_image_is_answered_in_order_or_rejected() -> None:
    network = Sums()
    batches = list(run(map(image, range(12)), load, network, Feed(4, 3)))
    good = [each.key for batch in batches for each in batch.images]
    assert good == [str(number) for number in range(12) if number % 5 != 3]
    assert [each.image.key for batch in batches for each in batch.rejected] == ["3", "8"]
    features = np.concatenate([batch.features for batch in batches])
    np.testing.assert_array_equal(features[:, 0], [4.0 * int(key) for key in good])
    assert network.sizes == [4, 4, 2]


def test_a_pool_of_nothing_but_bad_images_is_handed_on_piece_by_piece() -> None:
    bad = (image(5 * number + 3) for number in range(9))
    batches = list(run(bad, load, Sums(), Feed(4, 2)))
    assert [len(batch.rejected) for batch in batches] == [4, 4, 1]


def test_no_more_is_read_ahead_than_the_feed_says() -> None:
    feed = Feed(4, 2)
    drawn = 0

    def draw() -> Iterator[PoolImage]:
        nonlocal drawn
        for number in range(1000):
            drawn += 1
            yield image(5 * number)

    batches = run(draw(), load, Sums(), feed)
    next(batches)
    assert drawn <= 2 * feed.batch + feed.ahead, f"{drawn} images were drawn for the first batch"
    batches.close()


def test_an_error_of_the_store_ends_it_and_leaves_no_thread() -> None:
    def away(_: PoolImage) -> NDArray[np.float32]:
        raise ConnectionError("the store is away")

    with pytest.raises(ConnectionError):
        list(run(map(image, range(100)), away, Sums(), Feed(4, 3)))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("images")]


def test_images_are_read_while_the_network_computes() -> None:
    read_more = threading.Event()

    def watched(wanted: PoolImage) -> NDArray[np.float32] | Rejected:
        if int(wanted.key) >= 20:
            read_more.set()
        return load(wanted)

    class Slow(Sums):
        def submit(self, images: NDArray[np.float32]) -> Sums.Ready:
            if len(self.sizes) == 2:
                assert read_more.wait(10), "nothing was read while the network computed"
            return super().submit(images)

    list(run(map(image, (5 * number for number in range(10))), watched, Slow(), Feed(2, 1)))
