import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from aloft.kit.ids import image_id
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.directory import DirectoryObjects
from aloft.shards import (
    Manifest,
    Shard,
    ShardDamaged,
    feature_shard_key,
    read_manifest,
    read_shard,
    stream,
    write_manifest,
    write_shard,
)

SIZE = 5


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjects:
    return DirectoryObjects(tmp_path)


def names(count: int, start: int = 0) -> list[str]:
    return [image_id(f"image-{number}.png") for number in range(start, start + count)]


def features(count: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=(count, SIZE)).astype(np.float32)


def shard(objects: DirectoryObjects, part: int = 1, count: int = 7) -> Shard:
    key = feature_shard_key("c", "b", part, "job-1")
    return write_shard(objects, key, names(count, 100 * part), features(count, part))


def manifest(*shards: Shard) -> Manifest:
    return Manifest("c", 3, "b", SIZE, shards)


def test_what_is_written_is_read_row_for_row(objects: DirectoryObjects) -> None:
    rows = read_shard(objects, shard(objects), SIZE)
    assert rows.images.tobytes().hex() == "".join(names(7, 100))
    np.testing.assert_array_equal(rows.features, features(7, 1).astype(np.float16))
    np.testing.assert_allclose(rows.norms, np.linalg.norm(features(7, 1), axis=1), rtol=1e-6)


def test_the_same_features_are_the_same_bytes(objects: DirectoryObjects) -> None:
    assert shard(objects).digest == shard(objects).digest


def test_values_that_are_not_finite_reach_the_reader(objects: DirectoryObjects) -> None:
    odd = features(3)
    odd[0, 0], odd[1, 0] = np.nan, 1e9
    rows = read_shard(objects, write_shard(objects, "odd.arrow", names(3), odd), SIZE)
    assert np.isfinite(rows.features).all(axis=1).tolist() == [False, False, True]


def test_columns_have_the_types_that_the_format_promises(objects: DirectoryObjects) -> None:
    with pa.ipc.open_file(objects.get(shard(objects).key)) as opened:
        assert opened.num_record_batches == 1
        assert [str(field.type) for field in opened.schema] == [
            "fixed_size_binary[16]",
            "float",
            f"fixed_size_list<item: halffloat>[{SIZE}]",
        ]


def test_a_manifest_is_named_by_its_digest_and_read_back(objects: DirectoryObjects) -> None:
    written = manifest(shard(objects, 1), replace(shard(objects, 2), excluded=(0, 6)))
    key, digest = write_manifest(objects, written)
    assert key == f"campaigns/c/features/b/{digest}.json"
    assert write_manifest(objects, written) == (key, digest), "a repeat must change nothing"
    assert read_manifest(objects, key, digest) == written
    assert written.images == 12


def test_a_stream_leaves_out_what_is_excluded(objects: DirectoryObjects) -> None:
    first, second, third = (shard(objects, part) for part in (1, 2, 3))
    found = manifest(first, replace(second, excluded=(0, 6)), replace(third, excluded=tuple(range(7))))
    read = [rows.images.tobytes().hex() for rows in stream(objects, found)]
    assert read == ["".join(names(7, 100)), "".join(names(5, 201))]


def test_a_stream_reads_one_shard_at_a_time(objects: DirectoryObjects) -> None:
    parts = [shard(objects, part) for part in (1, 2)]
    rows = stream(objects, manifest(*parts))
    next(rows)
    objects.delete([parts[1].key])
    with pytest.raises(LookupError):
        next(rows)


def test_a_manifest_with_another_digest_is_refused(objects: DirectoryObjects) -> None:
    key, digest = write_manifest(objects, manifest(shard(objects)))
    objects.put(key, objects.get(key) + b" ")
    with pytest.raises(ShardDamaged, match=digest):
        read_manifest(objects, key, digest)


def test_a_shard_with_another_digest_is_refused(objects: DirectoryObjects) -> None:
    entry = shard(objects)
    objects.put(entry.key, objects.get(entry.key)[:-1] + b"!")
    with pytest.raises(ShardDamaged, match=entry.digest):
        list(stream(objects, manifest(entry)))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no json", "no manifest"),
        (b"[]", "no manifest"),
        (json.dumps({"format": "aloft.features/9"}).encode(), "aloft.features/9"),
        (json.dumps({"format": "aloft.features/1"}).encode(), "no manifest"),
    ],
)
def test_a_manifest_of_another_form_is_refused(objects: DirectoryObjects, data: bytes, why: str) -> None:
    objects.put("m.json", data)
    with pytest.raises(ShardDamaged, match=why):
        read_manifest(objects, "m.json", sha256_hex(data))


def test_a_shard_of_another_form_is_refused(objects: DirectoryObjects) -> None:
    entry = shard(objects)
    with pytest.raises(ShardDamaged, match="columns"):
        read_shard(objects, entry, SIZE + 1)
    with pytest.raises(ShardDamaged, match="the manifest says 8"):
        read_shard(objects, replace(entry, rows=8), SIZE)
    objects.put("x.arrow", b"no arrow file")
    with pytest.raises(ShardDamaged, match="no Arrow file"):
        read_shard(objects, Shard("x.arrow", sha256_hex(b"no arrow file"), 1), SIZE)


def test_fields_of_a_later_release_are_passed_over(objects: DirectoryObjects) -> None:
    written = manifest(shard(objects))
    data = json.dumps({**json.loads(written.encode()), "later": 1}).encode()
    assert Manifest.decode(data, "m.json") == written
