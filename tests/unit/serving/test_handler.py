"""What a served version does with an image that is not to be decoded."""

import io

from PIL import Image

from aloft.serving.answers import BAD_IMAGE
from aloft.serving.archive import read_archive
from aloft.serving.handler import Handler
from tests.integration.serving_world import made


def test_a_request_with_too_long_an_image_is_refused_by_the_limits_of_the_pool() -> None:
    version = made("harbour", 1)
    bands = version.described.spec.bands
    stream = io.BytesIO()
    Image.new("RGB" if bands == 3 else "L", (32_769, 1)).save(stream, "PNG")
    (answer,) = Handler(*read_archive(version.archive), version.digest, "cpu").answer([stream.getvalue()])
    assert answer.status == BAD_IMAGE
    assert "no side of more than 32768" in answer.body["error"]["message"]
