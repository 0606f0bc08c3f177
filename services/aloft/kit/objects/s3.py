"""Objects in a bucket of MinIO or any other S3."""

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.helpers import DictType
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from aloft.kit.objects import metrics
from aloft.kit.objects.errors import ObjectMissing, RangeOutside, ReadOnly, StoreRefused
from aloft.kit.objects.keys import check_key
from aloft.kit.objects.port import CHUNK, CONTENT_TYPE, GAP, ByteRange, ObjectInfo
from aloft.kit.objects.s3_config import S3Config
from aloft.kit.objects.s3_connection import client, connections
from aloft.kit.objects.s3_errors import port_errors
from aloft.kit.objects.s3_listing import steps_behind
from aloft.kit.objects.s3_upload import Upload, in_parts
from aloft.kit.objects.spans import read_ranges

LONGEST_URL_S = 7 * 24 * 3600
"""S3 verifies no signature for longer than a week."""

PAGE = 1000
"""How many keys S3 lists, and deletes, by one request."""


class S3Objects:
    """One bucket. Safe to share between threads, not between processes."""

    def __init__(
        self, config: S3Config, bucket: str, *, read_only: bool = False, page_size: int = PAGE
    ) -> None:
        self._config = config
        self._bucket = bucket
        self._read_only = read_only
        self._page_size = page_size
        self._http = connections(config)
        self._client = client(config, config.endpoint, self._http)
        self._public = client(config, config.public_url or config.endpoint, self._http)
        self._readers = ThreadPoolExecutor(config.parallel_ranges, thread_name_prefix=f"objects-{bucket}")

    def put(
        self,
        key: str,
        data: bytes | Iterable[bytes],
        *,
        content_type: str = CONTENT_TYPE,
        only_new: bool = False,
    ) -> ObjectInfo:
        """Store bytes or a stream, with one part of it in memory and another on its way."""
        self._check_writable("put")
        upload = Upload(self._client, self._bucket, check_key(key), content_type, only_new)
        with port_errors(self._bucket, "put", key):
            return upload.send(in_parts(data, self._config.part_bytes))

    def get(self, key: str) -> bytes:
        """Read a whole, small object."""
        metrics.requested("get")
        return self._read(key, None)

    @contextmanager
    def stream(self, key: str, chunk: int = CHUNK) -> Iterator[Iterator[bytes]]:
        """Read an object piece by piece; an answer that breaks off raises, it never looks like the end."""
        metrics.requested("get")
        with port_errors(self._bucket, "get", key):
            response = self._open(key, None)
        try:
            yield self._pieces(response, key, chunk)
        finally:
            response.close()

    def ranges(self, key: str, ranges: Sequence[ByteRange], *, gap: int = GAP) -> list[bytes]:
        """Read ranges, in the order asked; those not further than `gap` apart by one request."""
        return read_ranges(
            ranges, gap, lambda spans: self._readers.map(lambda span: self._read_span(key, span), spans)
        )

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object, or raise `ObjectMissing`."""
        metrics.requested("stat")
        with port_errors(self._bucket, "stat", key):
            found = self._client.stat_object(self._bucket, key)
        return ObjectInfo(key, found.size or 0, found.etag or "")

    def list(self, prefix: str = "", *, start_after: str = "") -> Iterator[ObjectInfo]:
        """Walk the keys that begin with a prefix, in order. The folder markers of consoles are left out."""
        if start_after < prefix:
            yield from self._list(prefix, "")
        elif start_after.startswith(prefix):
            for folder, after in steps_behind(prefix, start_after):
                if after != start_after:
                    yield from self._if_there(after)
                yield from self._list(folder, after)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects, a thousand by a request; one that is not there is no error."""
        self._check_writable("delete")
        with port_errors(self._bucket, "delete"):
            metrics.requested("delete")
            left = list(
                self._client.remove_objects(self._bucket, (DeleteObject(check_key(key)) for key in keys))
            )
        if left:
            first = left[0]
            raise StoreRefused(
                f"delete in bucket {self._bucket!r}: {len(left)} objects stay, "
                f"the first {first.name!r}: {first.code}: {first.message}"
            )

    def signed_url(self, key: str, expires_s: float) -> str:
        """Sign a URL for the public endpoint, asking nobody; its expiry is told by the store's clock."""
        if not 0 < expires_s <= LONGEST_URL_S:
            raise ValueError(f"an S3 URL can be valid for up to {LONGEST_URL_S} s (7 days), not {expires_s}")
        expires = timedelta(seconds=math.ceil(expires_s))
        return self._public.presigned_get_object(self._bucket, check_key(key), expires=expires)

    def close(self) -> None:
        """Give back connections and threads."""
        self._readers.shutdown()
        self._http.clear()

    def _list(self, prefix: str, after: str) -> Iterator[ObjectInfo]:
        with port_errors(self._bucket, "list", prefix):
            metrics.requested("list")
            for found in self._client._list_objects(
                self._bucket,
                prefix=prefix,
                start_after=after or None,
                encoding_type="url",
                max_keys=self._page_size,
            ):
                key = found.object_name or ""
                if not key.endswith("/"):
                    yield ObjectInfo(key, found.size or 0, found.etag or "")

    def _if_there(self, key: str) -> Iterator[ObjectInfo]:
        try:
            yield self.stat(key)
        except ObjectMissing:
            return

    def _check_writable(self, operation: str) -> None:
        if self._read_only:
            raise ReadOnly(self._bucket, operation)

    def _open(self, key: str, span: ByteRange | None) -> BaseHTTPResponse:
        headers: DictType = {"Range": f"bytes={span.start}-{span.end - 1}"} if span else {}
        try:
            return self._client.get_object(self._bucket, key, request_headers=headers)
        except S3Error as error:
            if span and error.code == "InvalidRange":
                raise RangeOutside(key, span.start, span.length) from error
            raise

    def _read_span(self, key: str, span: ByteRange) -> bytes:
        metrics.requested("range")
        data = self._read(key, span)
        if len(data) != span.length:
            raise RangeOutside(key, span.start, span.length)
        return data

    def _read(self, key: str, span: ByteRange | None) -> bytes:
        """Read into memory; unlike a stream it can begin again when an answer breaks off."""
        with port_errors(self._bucket, "get", key):
            for attempt in range(1, self._config.attempts + 1):
                response = self._open(key, span)
                try:
                    data = response.read(decode_content=False)
                    metrics.received(len(data))
                    return data
                except HTTPError:
                    if attempt == self._config.attempts:
                        raise
                finally:
                    response.close()
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _pieces(self, response: BaseHTTPResponse, key: str, chunk: int) -> Iterator[bytes]:
        with port_errors(self._bucket, "get", key):
            # As stored: an object with a Content-Encoding must not be unpacked on the way.
            for piece in response.stream(chunk, decode_content=False):
                metrics.received(len(piece))
                yield piece
