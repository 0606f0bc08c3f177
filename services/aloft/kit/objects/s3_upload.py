"""How an object reaches S3 whole or not at all: one PUT, or a multipart upload, aborted when it fails."""

import base64
import hashlib
import logging
from collections.abc import Iterable, Iterator
from itertools import chain
from xml.etree import ElementTree

from minio import Minio
from minio.datatypes import Part
from minio.error import MinioException
from minio.helpers import DictType
from minio.xml import Element, SubElement, getbytes
from urllib3.exceptions import HTTPError

from aloft.kit.objects import metrics
from aloft.kit.objects.errors import StoreUnavailable
from aloft.kit.objects.port import ObjectInfo

log = logging.getLogger(__name__)

MOST_PARTS = 10_000
"""S3 takes no more parts in one upload."""


def in_parts(data: bytes | Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut a stream of pieces of any size into pieces of one size, the last apart."""
    waiting = bytearray()
    for piece in [data] if isinstance(data, bytes) else data:
        view = memoryview(piece)
        while len(view):
            taken = view[: size - len(waiting)]
            waiting += taken
            view = view[len(taken) :]
            if len(waiting) == size:
                yield bytes(waiting)
                waiting.clear()
    if waiting:
        yield bytes(waiting)


class Upload:
    """One object on its way. minio-py's own upload knows no condition, hence the requests are made here."""

    def __init__(self, client: Minio, bucket: str, key: str, content_type: str, only_new: bool) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._condition: DictType = {"If-None-Match": "*"} if only_new else {}

    def send(self, parts: Iterator[bytes]) -> ObjectInfo:
        """Store the parts as one object, by one request where there is one part."""
        first, second = next(parts, b""), next(parts, None)
        if second is not None:
            return self._send_many(chain([first, second], parts))
        metrics.requested("put")
        headers: DictType = {"Content-Type": self._content_type, **self._condition}
        answer = self._client._execute("PUT", self._bucket, self._key, body=first, headers=headers)
        metrics.sent(len(first))
        return ObjectInfo(self._key, len(first), answer.headers["etag"].strip('"'))

    def _send_many(self, parts: Iterator[bytes]) -> ObjectInfo:
        metrics.requested("put_begin")
        upload = self._client._create_multipart_upload(
            self._bucket, self._key, {"Content-Type": self._content_type}
        )
        try:
            done: list[Part] = []
            size = 0
            for number, part in enumerate(parts, start=1):
                if number > MOST_PARTS:
                    raise ValueError(
                        f"{self._key!r} is longer than {MOST_PARTS} parts; set part_bytes higher"
                    )
                metrics.requested("put_part")
                done.append(
                    Part(
                        number, self._client._upload_part(self._bucket, self._key, part, None, upload, number)
                    )
                )
                metrics.sent(len(part))
                size += len(part)
            return ObjectInfo(self._key, size, self._complete(upload, done))
        except BaseException:
            self._abort(upload)
            raise

    def _complete(self, upload: str, parts: list[Part]) -> str:
        listing = Element("CompleteMultipartUpload")
        for part in parts:
            entry = SubElement(listing, "Part")
            SubElement(entry, "PartNumber", str(part.part_number))
            SubElement(entry, "ETag", f'"{part.etag}"')
        body = getbytes(listing)
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers: DictType = {"Content-Type": "application/xml", "Content-MD5": digest, **self._condition}
        metrics.requested("put_complete")
        answer = self._client._execute(
            "POST", self._bucket, self._key, body=body, headers=headers, query_params={"uploadId": upload}
        )
        # S3 begins to answer 200 before it knows: the failure is then in the body.
        fields = {field.tag.rpartition("}")[2]: field.text for field in ElementTree.fromstring(answer.data)}
        if not fields.get("ETag"):
            raise StoreUnavailable(f"put {self._key!r}: {fields.get('Code')}: {fields.get('Message')}")
        return str(fields["ETag"]).strip('"')

    def _abort(self, upload: str) -> None:
        metrics.requested("put_abort")
        try:
            self._client._abort_multipart_upload(self._bucket, self._key, upload)
        except (MinioException, HTTPError) as error:
            # What made us abort matters more; the bucket's rule for unfinished uploads removes the parts.
            log.warning(
                "the parts of an unfinished upload of %r stay in %r: %s", self._key, self._bucket, error
            )
