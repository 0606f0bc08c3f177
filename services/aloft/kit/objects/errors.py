"""What can go wrong with an object store, the same for every adapter."""

from aloft.kit.errors import Unavailable


class ObjectMissing(LookupError):
    """No object has this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no object {key!r}")
        self.key = key


class ObjectExists(Exception):
    """`put(…, only_new=True)` found an object under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is an object {key!r} already")
        self.key = key


class BadKey(ValueError):
    """A key that not every store can hold."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"object key {key!r}: {why}")
        self.key = key


class RangeOutside(ValueError):
    """A range that ends behind its object."""

    def __init__(self, key: str, start: int, length: int) -> None:
        super().__init__(f"object {key!r} ends before byte {start + length}, the end of a range from {start}")
        self.key = key


class ReadOnly(Exception):
    """A write to a bucket that Aloft only reads."""

    def __init__(self, bucket: str, operation: str) -> None:
        super().__init__(
            f"{operation}: bucket {bucket!r} is only read by Aloft; nothing is written or deleted there"
        )
        self.bucket = bucket


class StoreRefused(Exception):
    """The store will not do it however often it is asked: access, a missing bucket, a wrong setting."""


class StoreUnavailable(Unavailable):
    """The store did not answer, or not to the end; the same call may succeed later."""

    def __init__(self, message: str) -> None:
        super().__init__("OBJECT_STORE_UNAVAILABLE", message)
