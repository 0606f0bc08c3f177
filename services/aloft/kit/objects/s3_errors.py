"""What minio-py and urllib3 raise, in the words of the port."""

from collections.abc import Iterator
from contextlib import contextmanager

from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import HTTPError

from aloft.kit.objects.errors import ObjectExists, ObjectMissing, StoreRefused, StoreUnavailable

_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "ConditionalRequestConflict"}


@contextmanager
def port_errors(bucket: str, operation: str, key: str = "") -> Iterator[None]:
    """Turn the library's errors into the port's, saying what was asked of which bucket."""
    asked = f"{operation} {key!r} in bucket {bucket!r}" if key else f"{operation} in bucket {bucket!r}"
    try:
        yield
    except S3Error as error:
        raise _translated(error, asked, key) from error
    except (ServerError, InvalidResponseError, HTTPError) as error:
        raise StoreUnavailable(f"{asked}: no proper answer from the store: {error}") from error


def _translated(error: S3Error, asked: str, key: str) -> Exception:
    if error.code in ("NoSuchKey", "ResourceNotFound"):
        return ObjectMissing(key)
    if error.code == "PreconditionFailed":
        return ObjectExists(key)
    if error.code in _BUSY or error.response.status >= 500:
        return StoreUnavailable(f"{asked}: {error.code}: {error.message}")
    return StoreRefused(f"{asked}: {error.code}: {error.message}")
