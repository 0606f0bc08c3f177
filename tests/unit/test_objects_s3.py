"""What of the S3 adapter needs no server."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.kit.objects.s3 import S3Objects
from aloft.kit.objects.s3_config import S3Config
from aloft.kit.objects.s3_listing import steps_behind
from aloft.kit.objects.s3_upload import in_parts

KEYS = st.text(st.sampled_from("a-/0b"), min_size=1, max_size=6)


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(1, 40))
def test_parts_are_the_stream_cut_into_one_size(pieces: list[bytes], size: int) -> None:
    parts = list(in_parts(pieces, size))
    assert b"".join(parts) == b"".join(pieces)
    assert all(len(part) == size for part in parts[:-1])
    assert all(0 < len(part) <= size for part in parts)
    assert list(in_parts(b"".join(pieces), size)) == parts


@given(st.sets(KEYS), st.data())
def test_the_steps_of_a_listing_give_each_key_behind_its_start_once_and_in_order(
    keys: set[str], data: st.DataObject
) -> None:
    start_after = data.draw(KEYS)
    prefix = start_after[: data.draw(st.integers(0, len(start_after)))]
    got = []
    for folder, after in steps_behind(prefix, start_after):
        assert "/" not in after[len(folder) :], "the kind of start that MinIO loses keys behind"
        got += [key for key in [after] if after != start_after and key in keys]
        got += sorted(key for key in keys if key.startswith(folder) and key > after)
    assert got == sorted(key for key in keys if key.startswith(prefix) and key > start_after)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("endpoint", "minio:9000", "endpoint must be a URL like"),
        ("endpoint", "http://minio/path", "endpoint must be scheme, host and port alone"),
        ("public_url", "https://example.org/minio", "public_url must be scheme, host and port alone"),
        ("access_key", " ", "access_key is empty"),
        ("secret_key", "", "secret_key is empty"),
        ("region", "", "region is empty"),
        ("ca_file", Path("/nowhere/ca.pem"), "ca_file /nowhere/ca.pem is no file"),
        ("connect_timeout_s", 0, "connect_timeout_s must be more than 0"),
        ("read_timeout_s", 601, "read_timeout_s must be more than 0 and at most 600"),
        ("attempts", 0, "attempts must be from 1 to 10, not 0"),
        ("parallel_ranges", 65, "parallel_ranges must be from 1 to 64, not 65"),
        ("part_bytes", 1, "part_bytes must be from 5242880"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(field: str, value: object, says: str) -> None:
    good: dict[str, Any] = {"endpoint": "http://minio:9000", "access_key": "a", "secret_key": "s"}
    S3Config(**good)
    with pytest.raises(ValueError, match=says):
        S3Config(**{**good, field: value})


def test_the_secret_key_is_not_shown() -> None:
    assert "hidden" not in repr(S3Config("http://minio:9000", "access", "hidden"))


def test_a_url_is_not_signed_for_longer_than_s3_verifies() -> None:
    objects = S3Objects(S3Config("http://minio:9000", "a", "s"), "bucket")
    assert "X-Amz-Expires=604800" in objects.signed_url("key", 604_800)
    with pytest.raises(ValueError, match="7 days"):
        objects.signed_url("key", 604_801)
    objects.close()
