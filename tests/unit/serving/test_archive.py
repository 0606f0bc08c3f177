"""The archive of a version: the same bytes for the same content, and damage is told."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from aloft.imagery import ImageSpec
from aloft.serving.archive import (
    MEMBERS,
    ArchiveDamaged,
    Golden,
    ServedModel,
    archive_name,
    pack,
    read_archive,
    write_archive,
)
from aloft.serving.golden import deviation, golden_images, golden_inputs

MODEL = ServedModel(
    campaign="harbour",
    version=7,
    architecture="tiny",
    spec=ImageSpec(16, 24, 12, std=(0.1,) * 12),
    labels=("ship", "quay"),
    temperature=1.5,
    thresholds=(0.1, 1 / 3),
    golden=Golden(3, ((0.1, -2.5e-7), (1e20, 0.0))),
)
WEIGHTS = bytes(range(256)) * 9
PINNED = [0.55686283, -0.917647, -1.84313726, -1.9372549]


def test_what_was_written_is_read_again() -> None:
    assert read_archive(write_archive(MODEL, WEIGHTS)) == (MODEL, WEIGHTS)


def test_the_same_content_makes_the_same_bytes_and_another_makes_others() -> None:
    once = write_archive(MODEL, WEIGHTS)
    assert write_archive(replace(MODEL), WEIGHTS) == once
    assert write_archive(replace(MODEL, version=8), WEIGHTS) != once


def test_whoever_unpacked_an_archive_can_pack_it_again_byte_for_byte() -> None:
    data = write_archive(MODEL, WEIGHTS)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert pack({name: opened.read(name) for name in MEMBERS}) == data


def test_a_flipped_bit_or_a_missing_end_is_damage() -> None:
    data = write_archive(MODEL, WEIGHTS)
    flipped = bytearray(data)
    flipped[data.index(WEIGHTS) + 100] ^= 1
    for damaged in (bytes(flipped), data[:-40], data[: len(data) // 2], b"", b"no zip at all"):
        with pytest.raises(ArchiveDamaged):
            read_archive(damaged)


def test_an_archive_with_something_more_or_something_packed_small_is_refused() -> None:
    members = dict.fromkeys(MEMBERS, b"{}")
    for names, kind in (((*MEMBERS, "../../evil.py"), zipfile.ZIP_STORED), (MEMBERS, zipfile.ZIP_DEFLATED)):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", kind) as opened:
            for name in names:
                opened.writestr(name, members.get(name, b"{}"))
        with pytest.raises(ArchiveDamaged, match="and no other"):
            read_archive(file.getvalue())


def test_a_description_that_lacks_something_is_named() -> None:
    for description, said in (
        (b"{}", "format"),
        (b'{"format": "aloft.served/1"}', "spec"),
        (b"\xff", "model.json cannot be read"),
    ):
        members = dict.fromkeys(MEMBERS, b"{}") | {"model.json": description}
        with pytest.raises(ArchiveDamaged, match=said):
            read_archive(pack(members))


def test_a_model_has_one_threshold_for_each_label_and_a_temperature() -> None:
    with pytest.raises(ValueError, match="1 thresholds for 2 labels"):
        replace(MODEL, thresholds=(0.5,))
    with pytest.raises(ValueError, match="temperature must be above 0"):
        replace(MODEL, temperature=0.0)


def test_a_name_carries_campaign_version_and_digest() -> None:
    assert archive_name("harbour", 7, "ab12") == "harbour-7-ab12"


def test_golden_images_are_drawn_by_the_seed_for_any_bands() -> None:
    images = golden_images(MODEL.spec, 3)
    assert images.shape == (4, 16, 24, 12)
    assert images.dtype == np.float32
    assert np.array_equal(images, golden_images(MODEL.spec, 3))
    assert not np.array_equal(images, golden_images(MODEL.spec, 4))
    assert len(set(golden_inputs(MODEL.spec, 3))) == 4


def test_golden_images_stay_what_they_were_when_archives_were_made() -> None:
    (first, *_) = golden_images(ImageSpec(2, 2, 1), 0)
    assert first.ravel().tolist() == pytest.approx(PINNED)


def test_deviation_is_a_part_of_the_largest_golden_value() -> None:
    golden = ((10.0, 0.0), (-20.0, 1.0))
    assert deviation(golden, golden) == 0
    assert deviation(((10.0, 0.0), (-19.0, 1.0)), golden) == pytest.approx(0.05)
    for unlike in ((), ((1.0,),), ((10.0, 0.0), (float("nan"), 1.0))):
        assert deviation(unlike, golden) == float("inf")
