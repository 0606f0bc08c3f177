import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloft.kit.ids import image_id
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.port import GAP, ByteRange
from aloft.shards import (
    Head,
    LogitShard,
    Manifest,
    Shard,
    ShardDamaged,
    attempt_of,
    feature_shard_key,
    find,
    logit_shard_key,
    read_manifest,
    read_rows,
    read_shard,
    stream,
    stream_logits,
    write_logits,
    write_manifest,
    write_shard,
)
from aloft.shards.arrow import ids_of

SIZE = 5
LABELS = ("water", "ship")


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


def scored(objects: DirectoryObjects, entry: Shard, part: int = 1) -> Shard:
    """Lay logits beside a shard: of each row its number and that number's half."""
    numbers = np.arange(entry.rows, dtype=np.float32)
    rows = read_shard(objects, replace(entry, excluded=()), SIZE)
    key = logit_shard_key("c", 3, part, "job-1")
    return replace(entry, logits=write_logits(objects, key, rows, np.column_stack([numbers, numbers / 2])))


def headed(*shards: Shard) -> Manifest:
    return replace(manifest(*shards), labels=LABELS)


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


def test_a_stream_reads_only_a_few_shards_ahead(objects: DirectoryObjects) -> None:
    parts = [shard(objects, part) for part in range(1, 9)]
    rows = stream(objects, manifest(*parts))
    next(rows)
    objects.delete([parts[-1].key])
    with pytest.raises(LookupError):
        list(rows)


@pytest.mark.parametrize("width", [2, 3])
def test_images_are_found_by_the_heads_of_shards_with_what_reading_their_features_takes(
    objects: DirectoryObjects, width: int
) -> None:
    names = [f"{number:032x}" for number in range(1, 12)]
    features = np.arange(11 * width, dtype=np.float32).reshape(11, width)
    cuts = [(0, 3), (3, 4), (4, 11)]  # heads of an odd and of an even number of rows
    parts = [
        write_shard(
            objects, feature_shard_key("c", "b", part, "a"), names[slice(*cut)], features[slice(*cut)]
        )
        for part, cut in enumerate(cuts)
    ]
    whole = Manifest("c", 1, "b", width, (*parts[:2], replace(parts[2], excluded=(2,))))
    wanted = np.sort(ids_of([names[0], names[2], names[3], names[6], names[10], "f" * 32]))
    found = find(objects, whole, wanted)
    assert wanted[found.numbers].tolist() == [bytes.fromhex(names[each]) for each in (0, 2, 3, 10)]
    assert np.array_equal(read_rows(objects, whole, found.places), features[[0, 2, 3, 10]])
    assert found.norms == pytest.approx(np.linalg.norm(features[[0, 2, 3, 10]], axis=1), rel=1e-6)


def test_heads_that_are_known_are_not_read(objects: DirectoryObjects) -> None:
    parts = [replace(shard(objects, part), excluded=(0,)) for part in (1, 2)]
    whole = manifest(*parts)
    wanted = np.sort(ids_of([*names(7, 100), *names(7, 200)]))
    expected = find(objects, whole, wanted)
    known = {
        index: Head(rows.images, rows.norms, part.kept)
        for index, (part, rows) in enumerate(zip(parts, stream(objects, whole), strict=True))
    }
    objects.delete([part.key for part in parts])
    found = find(objects, whole, wanted, known)
    for column in ("numbers", "places", "norms"):
        assert np.array_equal(getattr(found, column), getattr(expected, column)), column
    del known[1]
    with pytest.raises(LookupError):
        find(objects, whole, wanted, known)


def test_nothing_is_found_where_nothing_is_asked_for(objects: DirectoryObjects) -> None:
    assert len(find(objects, manifest(shard(objects)), ids_of([])).numbers) == 0


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
        (json.dumps({"format": "aloft.pool/9"}).encode(), "aloft.pool/9"),
        (json.dumps({"format": "aloft.pool/1"}).encode(), "no manifest"),
        (replace(manifest(), labels=LABELS, shards=(Shard("k", "d", 1),)).encode(), "labels without logits"),
        (manifest(Shard("k", "d", 1, logits=LogitShard("l", "d"))).encode(), "logits without labels"),
        (replace(manifest(), columns=("bald",)).encode(), "no logits"),
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


def test_logits_lie_row_for_row_beside_their_features(objects: DirectoryObjects) -> None:
    parts = [scored(objects, shard(objects, part), part) for part in (1, 2)]
    found = headed(parts[0], replace(parts[1], excluded=(0, 6)))
    pairs = list(zip(stream(objects, found), stream_logits(objects, found), strict=True))
    assert [len(logits) for _, logits in pairs] == [7, 5]
    for features_of, logits_of in pairs:
        np.testing.assert_array_equal(logits_of.images, features_of.images)
        np.testing.assert_array_equal(logits_of.norms, features_of.norms)
    assert pairs[1][1].logits.tolist() == [[number, number / 2] for number in range(1, 6)]
    assert pairs[1][1].numbers.tolist() == [1, 2, 3, 4, 5]


def test_a_manifest_with_logits_lies_with_them_and_is_read_back(objects: DirectoryObjects) -> None:
    written = headed(scored(objects, shard(objects)))
    key, digest = write_manifest(objects, written)
    assert key == f"campaigns/c/logits/3/{digest}.json"
    assert read_manifest(objects, key, digest) == written


def test_a_version_without_a_head_has_no_logits_to_read(objects: DirectoryObjects) -> None:
    with pytest.raises(ValueError, match="version 3 has no head"):
        list(stream_logits(objects, manifest(shard(objects))))


def test_logits_of_another_number_of_rows_are_not_written(objects: DirectoryObjects) -> None:
    rows = read_shard(objects, shard(objects), SIZE)
    with pytest.raises(ValueError, match="7 rows of features and 6 of logits"):
        write_logits(objects, "l.arrow", rows, np.zeros((6, 2), np.float32))


def test_logits_that_are_not_finite_reach_the_reader(objects: DirectoryObjects) -> None:
    entry = shard(objects)
    odd = np.zeros((7, 2), np.float32)
    odd[2, 1], odd[4, 0] = np.nan, -np.inf
    beside = write_logits(objects, "l.arrow", read_shard(objects, entry, SIZE), odd)
    (rows,) = stream_logits(objects, headed(replace(entry, logits=beside)))
    np.testing.assert_array_equal(rows.logits, odd)


def test_damaged_logits_are_refused(objects: DirectoryObjects) -> None:
    entry = scored(objects, shard(objects))
    assert entry.logits is not None
    with pytest.raises(ShardDamaged, match="columns"):
        list(stream_logits(objects, replace(headed(entry), labels=("water",))))
    with pytest.raises(ShardDamaged, match="the manifest says 8"):
        list(stream_logits(objects, headed(replace(entry, rows=8))))
    features_for_logits = replace(entry, logits=LogitShard(entry.key, entry.digest))
    with pytest.raises(ShardDamaged, match="columns"):
        list(stream_logits(objects, headed(features_for_logits)))
    objects.put(entry.logits.key, objects.get(entry.logits.key)[:-9])
    with pytest.raises(ShardDamaged, match=entry.logits.digest):
        list(stream_logits(objects, headed(entry)))


def with_columns(objects: DirectoryObjects, entry: Shard, *columns: str, part: int = 1) -> Shard:
    """Lay logits beside a shard, and columns: of each row its number, under every name tenfold."""
    numbers = np.arange(entry.rows, dtype=np.float32)
    rows = read_shard(objects, replace(entry, excluded=()), SIZE)
    more = {name: numbers * 10**at for at, name in enumerate(columns)}
    key = logit_shard_key("c", 3, part, "job-1")
    return replace(entry, logits=write_logits(objects, key, rows, np.zeros((len(rows), 2), np.float32), more))


def test_columns_lie_row_for_row_beside_the_logits(objects: DirectoryObjects) -> None:
    entry = with_columns(objects, replace(shard(objects), excluded=(0, 2)), "mll", "bald")
    written = replace(headed(entry), columns=("bald", "mll"))
    key, digest = write_manifest(objects, written)
    assert read_manifest(objects, key, digest) == written
    (rows,) = stream_logits(objects, written)
    assert {name: column.tolist() for name, column in rows.columns.items()} == {
        "mll": [1, 3, 4, 5, 6],
        "bald": [10, 30, 40, 50, 60],
    }
    assert all(column.dtype == np.float32 for column in rows.columns.values())


def test_columns_that_a_manifest_does_not_name_are_passed_over(objects: DirectoryObjects) -> None:
    """Shards may hold what a campaign's strategy of before needed."""
    parts = [with_columns(objects, shard(objects, 1), "bald"), scored(objects, shard(objects, 2), 2)]
    assert [rows.columns for rows in stream_logits(objects, headed(*parts))] == [{}, {}]
    (rows,) = stream_logits(objects, headed(scored(objects, shard(objects))))
    assert rows.columns == {}


def test_a_manifest_without_columns_has_the_bytes_it_always_had(objects: DirectoryObjects) -> None:
    assert b"columns" not in headed(scored(objects, shard(objects))).encode()


def test_a_column_that_a_manifest_names_and_a_shard_lacks_is_damage(objects: DirectoryObjects) -> None:
    lacking = replace(headed(scored(objects, shard(objects))), columns=("bald",))
    with pytest.raises(ShardDamaged, match="bald"):
        list(stream_logits(objects, lacking))


def test_a_column_of_another_number_of_rows_is_not_written(objects: DirectoryObjects) -> None:
    rows = read_shard(objects, shard(objects), SIZE)
    with pytest.raises(ValueError, match="7 rows of features and 6 of bald"):
        write_logits(
            objects, "l.arrow", rows, np.zeros((7, 2), np.float32), {"bald": np.zeros(6, np.float32)}
        )


def test_features_that_begin_elsewhere_than_the_manifest_says_are_refused(objects: DirectoryObjects) -> None:
    entry = shard(objects)
    with pytest.raises(ShardDamaged, match=f"begin at byte {entry.features_at}"):
        list(stream(objects, manifest(replace(entry, features_at=entry.features_at + 2))))


def test_single_rows_are_read_by_the_ranges_that_the_manifest_names(objects: DirectoryObjects) -> None:
    entry = shard(objects)
    (piece,) = objects.ranges(entry.key, [ByteRange(entry.features_at + 2 * SIZE * 3, 2 * SIZE)])
    np.testing.assert_array_equal(np.frombuffer(piece, np.float16), features(7, 1).astype(np.float16)[3])


class Asked:
    """A bucket that remembers how often it was asked for ranges of an object."""

    def __init__(self, objects: DirectoryObjects) -> None:
        self.objects = objects
        self.keys: list[str] = []

    def ranges(self, key: str, ranges: Sequence[ByteRange], *, gap: int = GAP) -> list[bytes]:
        self.keys.append(key)
        return self.objects.ranges(key, ranges, gap=gap)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.objects, name)


def test_candidates_cost_a_request_for_each_shard_that_holds_any(objects: DirectoryObjects) -> None:
    parts = [shard(objects, part) for part in (1, 2, 3)]
    asked = Asked(objects)
    read_rows(asked, manifest(*parts), [(2, 6), (0, 1), (2, 0), (0, 3)])
    assert sorted(asked.keys) == [parts[0].key, parts[2].key]


def test_no_candidates_are_no_rows(objects: DirectoryObjects) -> None:
    assert read_rows(objects, manifest(shard(objects)), []).shape == (0, SIZE)


@pytest.mark.parametrize("row", [7, -1])
def test_a_row_that_no_shard_has_is_refused(objects: DirectoryObjects, row: int) -> None:
    with pytest.raises(IndexError, match="has 7 rows"):
        read_rows(objects, manifest(shard(objects)), [(0, row)])


def test_ranges_behind_a_shortened_shard_are_refused(objects: DirectoryObjects) -> None:
    entry = shard(objects)
    objects.put(entry.key, objects.get(entry.key)[: entry.features_at + 4])
    with pytest.raises(ShardDamaged, match="shorter"):
        read_rows(objects, manifest(entry), [(0, 6)])


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_rows_come_back_as_they_went_in_whatever_is_asked(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=4), "rows of each shard")
    size = data.draw(st.integers(1, 6), "length of a feature vector")
    drawn = np.random.default_rng(data.draw(st.integers(0, 2**32), "seed of the values"))
    # Every pattern of sixteen bits: subnormal, infinite and not-a-number ones among them.
    wrote = [
        drawn.integers(0, 1 << 16, (rows, size)).astype(np.uint16).view(np.float16).astype(np.float32)
        for rows in sizes
    ]
    with tempfile.TemporaryDirectory() as folder:
        objects = DirectoryObjects(folder)
        parts = [
            write_shard(objects, f"{part}.arrow", names(len(each), 100 * part), each)
            for part, each in enumerate(wrote)
        ]
        found = replace(manifest(*parts), feature_size=size)
        places = [(part, row) for part, rows in enumerate(sizes) for row in range(rows)]
        picked = data.draw(st.lists(st.sampled_from(places), max_size=20), "rows that are asked for")
        read = read_rows(objects, found, picked)
        whole = np.concatenate([rows.features for rows in stream(objects, found)])
    np.testing.assert_array_equal(whole, np.concatenate(wrote).astype(np.float16))
    np.testing.assert_array_equal(read, [wrote[part][row] for part, row in picked] or np.empty((0, size)))


def test_a_shard_names_the_attempt_that_wrote_it() -> None:
    assert attempt_of(feature_shard_key("c", "b", 12, "0b7c-4f-3")) == "0b7c-4f-3"
    assert attempt_of("campaigns/c/features/b/0123.json") is None
