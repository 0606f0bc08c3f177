import io
import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aloft.imagery import ImageSpec, Limits, TooLarge, Unreadable, WrongBands, decode, preprocess


def picture(mode: str = "RGB", size: tuple[int, int] = (7, 5), kind: str = "PNG") -> bytes:
    rng = np.random.default_rng(7)
    bands = len(Image.new(mode, (1, 1)).getbands())
    shape = (size[1], size[0], bands) if bands > 1 else (size[1], size[0])
    image = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8), mode=None)
    stream = io.BytesIO()
    (image if image.mode == mode else image.convert(mode)).save(stream, kind)
    return stream.getvalue()


def array(values: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_becomes_height_by_width_by_bands(kind: str) -> None:
    pixels = decode(picture(kind=kind), 3)
    assert (pixels.shape, pixels.dtype.name) == ((5, 7, 3), "uint8")


def test_a_lossless_picture_keeps_its_values() -> None:
    wanted = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    stream = io.BytesIO()
    Image.fromarray(wanted).save(stream, "PNG")
    np.testing.assert_array_equal(decode(stream.getvalue(), 3), wanted)


def test_an_array_may_have_any_number_of_bands() -> None:
    wanted = np.arange(4 * 6 * 12, dtype=np.uint16).reshape(4, 6, 12)
    np.testing.assert_array_equal(decode(array(wanted), 12), wanted)
    assert decode(array(wanted[..., 0]), 1).shape == (4, 6, 1)


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_other_bands_than_the_specification_are_named(mode: str) -> None:
    with pytest.raises(WrongBands, match=f"has {len(mode) if mode != 'L' else 1} bands, .* have 3"):
        decode(picture(mode), 3)
    with pytest.raises(WrongBands, match="has 12 bands"):
        decode(array(np.zeros((4, 4, 12), np.uint8)), 3)


def test_a_palette_is_only_another_way_to_write_three_bands() -> None:
    assert decode(picture("P"), 3).shape == (5, 7, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no image at all",
        picture()[:60],
        picture(kind="JPEG")[:60],
        b"\x93NUMPY",
        array(np.zeros((4, 4, 3), np.uint8))[:-5],
        array(np.array([object()])),
        array(np.zeros((4, 4, 3), np.complex64)),
        array(np.zeros((4, 0, 3), np.uint8)),
        array(np.full((4, 4, 3), np.nan, np.float32)),
    ],
    ids=[
        "empty",
        "text",
        "cut-png",
        "cut-jpeg",
        "cut-header",
        "cut-array",
        "pickle",
        "complex",
        "no-pixels",
        "nan",
    ],
)
def test_bytes_that_are_no_image_are_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(data, 3)


def tiff(bits: int, bands: int, values: bytes) -> bytes:
    """Write a TIFF of two by two pixels, interleaved, that Pillow itself would not write."""
    widths = struct.pack(f"<{bands}H", *[bits] * bands)
    photometric = 2 if bands > 2 else 1
    tags = [(256, 4, 1, 2), (257, 4, 1, 2), (258, 3, bands, 8), (259, 3, 1, 1), (262, 3, 1, photometric)]
    tags += [(273, 4, 1, 8 + len(widths)), (277, 3, 1, bands), (278, 4, 1, 2), (279, 4, 1, len(values))]
    if bands > 3:
        tags.append((338, 3, bands - 3, 0))
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    at = 8 + len(widths) + len(values)
    return (
        b"II*\0" + struct.pack("<I", at) + widths + values + struct.pack("<H", len(tags)) + entries + bytes(4)
    )


def test_sixteen_bits_are_read_in_either_order_of_bytes() -> None:
    wanted = np.array([[0, 255], [256, 65535]], np.uint16)
    for order in "<>":
        stream = io.BytesIO()
        Image.fromarray(wanted.astype(f"{order}u2")).save(stream, "TIFF")
        np.testing.assert_array_equal(decode(stream.getvalue(), 1)[..., 0], wanted, err_msg=order)


@pytest.mark.parametrize(("bits", "bands"), [(16, 3), (16, 4), (16, 13), (8, 4), (8, 5)])
def test_a_tiff_that_pillow_would_read_as_another_image_is_refused(bits: int, bands: int) -> None:
    data = tiff(bits, bands, bytes(range(4 * bands * bits // 8)))
    for wanted in (3, bands):
        with pytest.raises(Unreadable, match=r"TIFF of .* not read here: write it as a \.npy array"):
            decode(data, wanted)


def test_a_tiff_of_three_bands_of_eight_bits_is_read() -> None:
    np.testing.assert_array_equal(decode(tiff(8, 3, bytes(range(12))), 3), np.arange(12).reshape(2, 2, 3))


@pytest.mark.parametrize("nothing", [-3.4028234663852886e38, -32768.0, 1e30])
def test_a_value_for_no_data_is_refused_before_a_network_sees_it(nothing: float) -> None:
    pixels = np.full((4, 4, 3), 0.5, np.float32)
    pixels[0, 0, 0] = nothing
    with pytest.raises(Unreadable, match="give 0 to 1, and nothing for no data"):
        preprocess(array(pixels), ImageSpec(4, 4))


def test_a_reason_tells_nothing_of_where_the_bytes_lay() -> None:
    with pytest.raises(Unreadable) as told:
        decode(b"no image at all", 3)
    assert str(told.value) == "it is no PNG, JPEG or TIFF"


def test_an_image_is_not_decoded_when_it_claims_to_be_too_large() -> None:
    few = Limits(pixels=34, values=1000)
    with pytest.raises(TooLarge, match="5 × 7 pixels of 3 bands"):
        decode(picture(), 3, few)
    with pytest.raises(TooLarge):
        decode(array(np.zeros((5, 7, 3), np.uint8)), 3, few)


@pytest.mark.parametrize("size", [(32_769, 1), (1, 32_769)], ids=["wide", "tall"])
def test_an_image_with_a_side_that_is_too_long_is_refused_however_few_its_pixels(
    size: tuple[int, int],
) -> None:
    bound = "no side of more than 32768 is decoded"
    with pytest.raises(TooLarge, match=f"{size[1]} × {size[0]} pixels: {bound}"):
        decode(picture("L", size), 1)
    with pytest.raises(TooLarge, match=bound):
        decode(array(np.zeros(size, np.uint8)), 1)
    with pytest.raises(TooLarge, match="no side of more than 6 is decoded"):
        decode(picture(), 3, Limits(side=6))


def test_an_image_with_a_side_of_just_the_bound_is_read() -> None:
    assert preprocess(picture("L", (32_768, 1)), ImageSpec(4, 4, 1)).shape == (4, 4, 1)
    assert decode(array(np.zeros((32_768, 1), np.uint8)), 1).shape == (32_768, 1, 1)


def test_an_array_is_not_allocated_because_its_header_says_so() -> None:
    stream = io.BytesIO()
    header = {"shape": (9_999_999, 9_999_999, 3), "fortran_order": False, "descr": "|u1"}
    np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(TooLarge):
        decode(stream.getvalue(), 3)


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    stream = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(stream, "PNG")
    assert len(stream.getvalue()) < 100_000, "the test's bomb is no bomb"
    with pytest.raises(TooLarge):
        decode(stream.getvalue(), 1)


def test_values_are_normalised_by_their_type_then_by_the_specification() -> None:
    spec = ImageSpec(2, 2, 2, mean=(0.5, 0.0), std=(0.25, 2.0))
    for dtype, largest in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1)):
        seen = preprocess(array(np.full((2, 2, 2), largest, dtype)), spec)
        assert (seen.dtype.name, seen.shape) == ("float32", (2, 2, 2))
        np.testing.assert_allclose(seen[0, 0], [2.0, 0.5], rtol=1e-6, err_msg=str(dtype))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_image_is_resized_to_the_specification(dtype: type) -> None:
    flat: NDArray[np.generic] = np.full((9, 14, 4), 1 if dtype is np.float32 else 200, dtype)
    seen = preprocess(array(flat), ImageSpec(6, 5, 4))
    assert seen.shape == (6, 5, 4)
    np.testing.assert_allclose(seen, seen[0, 0, 0], rtol=1e-5, err_msg="a flat image is flat at any size")


def test_three_bands_are_resized_alike_whatever_the_type_of_their_values() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (31, 17, 3), dtype=np.uint8)
    spec = ImageSpec(8, 8)
    wide = preprocess(array(pixels.astype(np.uint16) * 257), spec)
    np.testing.assert_allclose(preprocess(array(pixels), spec), wide, atol=4 / 255 * 1.01)


@pytest.mark.parametrize(
    "wrong", [{"height": 0}, {"bands": 0}, {"mean": (0.1,)}, {"std": (0.1, 0.1, 0.0)}, {"std": (1.0, 1.0)}]
)
def test_a_specification_that_makes_no_sense_names_its_field(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"image_spec.{next(iter(wrong))}"):
        ImageSpec(**wrong)  # type: ignore[arg-type]
