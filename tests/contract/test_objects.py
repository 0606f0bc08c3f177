"""What every object store must do, asked of a directory and of a real MinIO."""

import hashlib
import threading
import time
import tracemalloc
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minio import Minio
from prometheus_client import REGISTRY

from aloft.kit.clock import ManualClock
from aloft.kit.objects.digests import HashedStream
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.errors import BadKey, ObjectExists, ObjectMissing, RangeOutside, ReadOnly
from aloft.kit.objects.http import SignedObjectServer
from aloft.kit.objects.port import ByteRange, Objects
from aloft.kit.objects.s3 import S3Objects
from aloft.kit.objects.s3_config import SMALLEST_PART, S3Config
from aloft.kit.objects.signing import UrlSigner
from tests.stack.minio import Minio as MinioServer

MIB = 1 << 20
ODD_KEYS = [
    "a b",
    "a+b",
    "a-/x",
    "a-b",
    "a.b",
    "a/b c/d",
    "a/b/c",
    "a0",
    "aa",
    "amp&lt;<b>",
    "colon:semi;comma,at@eq=",
    "hash#1",
    "percent%41",
    "percent%2Fslash",
    "question?x=1",
    "quote'\"",
    "tilde~",
    "Ärger/ümlaut",
    "日本/画像 1.tif",
    "\U0001f6f0 satellite",
]


@dataclass(frozen=True)
class Store:
    """One empty bucket of one adapter, and what only a test may ask of it."""

    objects: Objects
    read_only: Objects
    unfinished: Callable[[str], list[str]]
    pass_time: Callable[[float], None]


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "directory":
        yield from _directory(tmp_path)
    else:
        yield from _s3(request.getfixturevalue("minio"))


def _directory(tmp_path: Path) -> Iterator[Store]:
    clock = ManualClock()
    reader = DirectoryObjects(tmp_path / "bucket")
    signer = UrlSigner(b"s" * 32, "http://127.0.0.1:1", "bucket", clock)
    server = SignedObjectServer(reader, signer, "127.0.0.1", 0)
    server.start()
    signer = UrlSigner(b"s" * 32, f"http://127.0.0.1:{server.port}", "bucket", clock)
    yield Store(
        DirectoryObjects(tmp_path / "bucket", signer=signer),
        DirectoryObjects(tmp_path / "bucket", read_only=True),
        lambda key: [str(left) for left in (tmp_path / "bucket" / ".incoming").iterdir()],
        clock.advance,
    )
    server.close()


def _s3(minio: MinioServer) -> Iterator[Store]:
    config = S3Config(minio.url, minio.access_key, minio.secret_key, part_bytes=SMALLEST_PART)
    bucket = f"contract-{uuid.uuid4().hex[:12]}"
    admin = Minio(minio.endpoint, minio.access_key, minio.secret_key, secure=False)
    admin.make_bucket(bucket)
    objects = S3Objects(config, bucket, page_size=3)
    read_only = S3Objects(config, bucket, read_only=True)
    yield Store(
        objects,
        read_only,
        lambda key: [u.upload_id or "" for u in admin._list_multipart_uploads(bucket, prefix=key).uploads],
        lambda seconds: None,  # only MinIO's own clock counts
    )
    objects.close()
    read_only.close()


def requests(operation: str) -> float:
    return REGISTRY.get_sample_value("aloft_objects_requests_total", {"operation": operation}) or 0.0


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def status(url: str) -> int:
    try:
        fetch(url)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


def test_what_was_put_is_read_back_whole(store: Store) -> None:
    for data in (b"", b"x", bytes(range(256)) * 100):
        put = store.objects.put("some/key", data, content_type="image/tiff")
        assert store.objects.get("some/key") == data
        assert store.objects.stat("some/key") == put
        assert put.size == len(data)


def test_a_missing_object_is_missing_in_every_way_of_reading_it(store: Store) -> None:
    store.objects.put("there/is", b"something")
    for key in ("not/there", "there", "there/is/more"):
        with pytest.raises(ObjectMissing, match=key):
            store.objects.get(key)
        with pytest.raises(ObjectMissing, match=key):
            store.objects.stat(key)
        with pytest.raises(ObjectMissing, match=key):
            store.objects.ranges(key, [ByteRange(0, 1)])
        with pytest.raises(ObjectMissing, match=key), store.objects.stream(key):
            pass


def test_a_long_stream_goes_in_and_out_in_bounded_memory(store: Store) -> None:
    piece, count = bytes(range(256)) * 4096, 64
    going = HashedStream(piece for _ in range(count))
    tracemalloc.start()
    try:
        put = store.objects.put("long", going)
        coming = hashlib.sha256()
        with store.objects.stream("long", chunk=MIB) as pieces:
            for part in pieces:
                assert len(part) <= MIB, "a piece is longer than was asked for"
                coming.update(part)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert put.size == going.size == count * MIB
    assert coming.hexdigest() == going.hexdigest, "other bytes came back"
    assert peak < count * MIB / 2, f"{peak / MIB:.0f} MiB in memory for a stream of {count} MiB"


def test_a_stream_that_is_left_early_leaves_the_store_usable(store: Store) -> None:
    store.objects.put("long", b"x" * (4 * MIB))
    with store.objects.stream("long", chunk=1000) as pieces:
        assert next(pieces) == b"x" * 1000
    assert store.objects.stat("long").size == 4 * MIB


def test_ranges_come_in_the_order_asked_and_near_ones_travel_together(store: Store) -> None:
    data = bytes(i % 251 for i in range(100_000))
    store.objects.put("shard", data)
    asked = [(90_000, 100), (0, 10), (15, 10), (5, 3), (50_000, 0), (90_090, 20), (99_999, 1)]
    before = requests("range")
    got = store.objects.ranges("shard", [ByteRange(*r) for r in asked], gap=1000)
    assert got == [data[start : start + length] for start, length in asked]
    assert requests("range") - before == 3, "[0,25), [90000,90110) and [99999,100000) are one request each"
    before = requests("range")
    assert store.objects.ranges("shard", [ByteRange(0, 1), ByteRange(99_999, 1)], gap=100_000)
    assert requests("range") - before == 1, "a gap that may be read over is not worth a second request"


def test_no_range_asks_for_nothing(store: Store) -> None:
    store.objects.put("shard", b"abc")
    before = requests("range")
    assert store.objects.ranges("shard", []) == []
    assert store.objects.ranges("shard", [ByteRange(1, 0)]) == [b""]
    assert requests("range") == before


@pytest.mark.parametrize("outside", [ByteRange(2, 2), ByteRange(3, 1), ByteRange(100, 5)])
def test_a_range_behind_the_end_is_an_error_not_a_short_answer(store: Store, outside: ByteRange) -> None:
    store.objects.put("shard", b"abc")
    with pytest.raises(RangeOutside, match="shard"):
        store.objects.ranges("shard", [ByteRange(0, 1), outside], gap=0)


def test_odd_keys_are_kept_and_listed_in_the_order_of_their_bytes_over_pages(store: Store) -> None:
    for key in reversed(ODD_KEYS):
        store.objects.put(key, key.encode())
    ordered = sorted(ODD_KEYS, key=str.encode)
    listed = list(store.objects.list())
    assert [info.key for info in listed] == ordered
    assert all(store.objects.stat(info.key) == info for info in listed), "list and stat disagree"
    assert all(store.objects.get(key) == key.encode() for key in ODD_KEYS)
    for prefix in ("a", "a/", "a/b", "a-", "日本/", "percent%", "nothing"):
        expected = [key for key in ordered if key.startswith(prefix)]
        assert [info.key for info in store.objects.list(prefix)] == expected, f"under {prefix!r}"
    for after in ("a", "a/", "a/b", "a/b c/d", "b", "日本", ordered[0], ordered[-1]):
        expected = [key for key in ordered if key.encode() > after.encode()]
        assert [info.key for info in store.objects.list(start_after=after)] == expected, f"after {after!r}"
    assert [i.key for i in store.objects.list("a", start_after="a/b")] == [
        key for key in ordered if key.startswith("a") and key > "a/b"
    ]


def test_no_key_is_lost_behind_a_start_in_a_folder_with_many_siblings(store: Store) -> None:
    keys = [
        *(f"p-{i}" for i in range(8)),
        *(f"p/{a}{i}" for a in ("x-", "x/") for i in range(6)),
        "p0",
        "p00/z",
        "q",
    ]
    for key in keys:
        store.objects.put(key, b"1")
    for prefix in ("", "p", "p/", "p/x", "p/x/", "p0", "q"):
        for after in ("", "p", "p-3", "p/", "p/x-4", "p/x/", "p/x/2", "p/x/5", "p/y", "p0", "p0/", "q"):
            expected = sorted(key for key in keys if key.startswith(prefix) and key > after)
            got = [info.key for info in store.objects.list(prefix, start_after=after)]
            assert got == expected, f"under {prefix!r} after {after!r}"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    segments=st.lists(
        st.text(
            st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc"], exclude_characters="/\\"),
            min_size=1,
            max_size=20,
        ).filter(lambda s: s.strip() and s not in (".", "..") and not s.startswith(".incoming")),
        min_size=1,
        max_size=3,
    )
)
def test_any_valid_key_survives_the_way_through_the_store(store: Store, segments: list[str]) -> None:
    key = f"{uuid.uuid4().hex}/" + "/".join(segments)
    store.objects.put(key, b"1")
    assert store.objects.get(key) == b"1"
    assert [info.key for info in store.objects.list(key.split("/")[0] + "/")] == [key]
    assert fetch(store.objects.signed_url(key, 60)) == b"1"
    store.objects.delete([key])
    assert list(store.objects.list(key.split("/")[0])) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        "./a",
        "a\nb",
        "a\x00b",
        "\ud800",
        "x" * 256,
        "y/" * 600 + "y",
    ],
)
def test_a_key_that_not_every_store_can_hold_is_status(store: Store, key: str) -> None:
    with pytest.raises(BadKey):
        store.objects.put(key, b"1")
    assert list(store.objects.list()) == []


def test_only_new_keeps_what_is_there_for_short_and_long_objects(store: Store) -> None:
    for key, length in (("short", 10), ("long", 2 * SMALLEST_PART)):
        first = store.objects.put(key, b"1" * length, only_new=True)
        with pytest.raises(ObjectExists, match=key):
            store.objects.put(key, b"2" * length, only_new=True)
        assert store.objects.stat(key) == first
        assert store.objects.get(key)[:1] == b"1"
        assert store.unfinished(key) == []
        assert store.objects.put(key, b"3" * length).etag != first.etag


def test_of_many_that_put_only_new_at_once_one_wins(store: Store) -> None:
    start = threading.Barrier(8)

    def compete(number: int) -> bool:
        start.wait()
        try:
            store.objects.put("prize", b"%d" % number, only_new=True)
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(compete, range(8)))
    assert won.count(True) == 1, f"{won.count(True)} writers believe that they were first"
    assert store.objects.get("prize") == b"%d" % won.index(True)


def test_a_source_that_fails_halfway_leaves_what_was_there_before(store: Store) -> None:
    def source(length: int) -> Iterator[bytes]:
        for _ in range(length):
            yield b"new" * (MIB // 3)
        assert all(info.key == "old" for info in store.objects.list()), "an unfinished object is visible"
        assert store.objects.get("old") == b"old"
        raise OSError("the disk that it is read from is gone")

    store.objects.put("old", b"old")
    for length in (0, 1, 12):
        for key in ("old", "fresh"):
            with pytest.raises(OSError, match="is gone"):
                store.objects.put(key, source(length))
            assert store.unfinished(key) == [], "an unfinished upload takes up space"
    assert [info.key for info in store.objects.list()] == ["old"]
    assert store.objects.get("old") == b"old"


def test_the_etag_changes_with_the_bytes(store: Store) -> None:
    etags = [store.objects.put("key", data).etag for data in (b"one", b"two", b"three")]
    assert etags[0] != etags[1] != etags[2]
    assert [info.etag for info in store.objects.list()] == etags[2:]


def test_many_are_deleted_at_once_and_one_that_is_not_there_is_no_error(store: Store) -> None:
    keys = ["a&b<c>", "d/e f", "g+h", "日本/1"]
    for key in [*keys, "stays"]:
        store.objects.put(key, b"1")
    store.objects.delete(key for key in [*keys, "never/was", "d"])
    assert [info.key for info in store.objects.list()] == ["stays"]
    store.objects.delete([])


def test_a_read_only_bucket_is_read_and_never_written(store: Store) -> None:
    store.objects.put("image", b"pixels")
    assert store.read_only.get("image") == b"pixels"
    with pytest.raises(ReadOnly, match=r"put: bucket .* only read"):
        store.read_only.put("image", b"other")
    with pytest.raises(ReadOnly, match=r"delete: bucket .* only read"):
        store.read_only.delete(["image"])
    assert store.objects.get("image") == b"pixels"


def test_a_signed_url_gives_the_bytes_to_anybody(store: Store) -> None:
    for key, data in (("campaigns/c/images/0123", bytes(range(256)) * 9000), ("odd/ü b+c&d?#%41", b"odd")):
        store.objects.put(key, data)
        assert fetch(store.objects.signed_url(key, 60)) == data


def test_a_signed_url_that_was_changed_is_status(store: Store) -> None:
    store.objects.put("mine", b"mine")
    store.objects.put("yours", b"yours")
    mine, yours = (store.objects.signed_url(key, 60) for key in ("mine", "yours"))
    last = "0" if mine[-1] != "0" else "1"
    assert status(mine[:-1] + last) == 403, "another signature opened it"
    swapped = yours[: -len(mine) // 4] + mine[-len(mine) // 4 :]
    assert status(swapped) == 403, "the signature of one object opened another"


def test_a_signed_url_expires(store: Store) -> None:
    store.objects.put("key", b"data")
    url = store.objects.signed_url("key", 1)
    store.pass_time(1)
    deadline = time.monotonic() + 10
    while status(url) == 200:
        assert time.monotonic() < deadline, "the URL still opens, 10 s after the second it was signed for"
    assert status(url) == 403


@pytest.mark.parametrize("expires_s", [0, -1])
def test_a_url_cannot_be_signed_for_no_time(store: Store, expires_s: float) -> None:
    with pytest.raises(ValueError, match="valid for"):
        store.objects.signed_url("key", expires_s)
