"""What can be wrong with what lies in the store."""


class ShardDamaged(Exception):
    """An object is not what its digest or its format says. Reading it again may help; using it never does."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"object {key!r}: {why}")
        self.key = key
