"""Whose fault it is that an image is refused, asked of a bucket that refuses by a script."""

import errno
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import pytest

from aloft.imagery import ImageSpec
from aloft.kit.objects.errors import ObjectMissing, StoreRefused, StoreUnavailable
from aloft.kit.objects.port import ObjectInfo, Objects
from aloft.pool_images import ImageReader, PoolImage, Reason, Rejected

REFUSED = StoreRefused("get 'bad': AccessDenied")
NO_IMAGE = b"no image at all"
WANTED = PoolImage("0" * 32, "bad", hashlib.md5(NO_IMAGE).hexdigest(), 1)


class Scripted:
    """A bucket that answers each key with what comes next of it; the last for ever."""

    def __init__(self, answers: Mapping[str, list[bytes | Exception]]) -> None:
        self.answers = {key: list(each) for key, each in answers.items()}
        self.describes = True

    @contextmanager
    def stream(self, key: str) -> Iterator[Iterator[bytes]]:
        answers = self.answers.get(key, [ObjectMissing(key)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        yield iter([answer])

    def stat(self, key: str) -> ObjectInfo:
        if not self.describes:
            raise REFUSED
        return ObjectInfo(key, 0, "e")


def read(*others: str, **answers: list[bytes | Exception]) -> object:
    bucket = cast(Objects, Scripted(answers))
    return ImageReader(bucket, ImageSpec(16, 16, 3), 1000, others=lambda: others)(WANTED)


def test_an_image_is_refused_by_itself_where_another_can_be_read() -> None:
    found = read("bad", "gone", "alike", "good", bad=[REFUSED], alike=[REFUSED], good=[b"read"])
    assert isinstance(found, Rejected)
    assert found.reason is Reason.REFUSED
    assert "AccessDenied" in found.detail


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files"),
        TimeoutError("no answer"),
        StoreUnavailable("no answer"),
    ],
)
def test_what_is_wrong_with_the_machine_or_the_line_is_no_image_s_fault(error: Exception) -> None:
    with pytest.raises(type(error)):
        read("good", bad=[error], good=[b"read"])


def test_the_whole_bucket_is_refused_where_nothing_else_can_be_read() -> None:
    with pytest.raises(StoreRefused, match="bad"):
        read("bad", "gone", "alike", bad=[REFUSED], alike=[REFUSED])


def test_a_store_that_went_away_meanwhile_refuses_nothing() -> None:
    with pytest.raises(StoreUnavailable):
        read("other", bad=[REFUSED], other=[StoreUnavailable("no answer")])


def test_a_refusal_that_is_over_is_no_image_s_fault() -> None:
    found = read("good", bad=[REFUSED, NO_IMAGE], good=[b"read"])
    assert isinstance(found, Rejected)
    assert found.reason is Reason.UNREADABLE, "it was read"


def test_a_bucket_that_describes_no_object_is_refused_whole() -> None:
    bucket = Scripted({"bad": [b"its bytes"], "good": [b"read"]})
    bucket.describes = False
    reader = ImageReader(cast(Objects, bucket), ImageSpec(16, 16, 3), 1000, others=lambda: ["good"])
    with pytest.raises(StoreRefused):
        reader(WANTED)
