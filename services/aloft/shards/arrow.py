"""The one form of both kinds of shards: Arrow IPC, one batch, not compressed, so that a row has a place."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aloft.shards.errors import ShardDamaged

CONTENT_TYPE = "application/vnd.apache.arrow.file"

IMAGE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Columns:
    """What a shard holds, row for row: an image's id, its features' norm, the values, and what is beside."""

    images: NDArray[np.bytes_]
    """Ids, sixteen bytes each (`S16`)."""
    norms: NDArray[np.float32]
    values: NDArray[Any]
    """Rows × width."""
    beside: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """By name, a number a row."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the values of a kind of shard are called, and their type."""

    name: str
    type: pa.DataType

    def schema(self, width: int, beside: Collection[str] = ()) -> pa.Schema:
        """Describe the columns, of which those beside the values are in order of name."""
        return _schema(self, width, tuple(sorted(beside)))

    def encode(self, columns: Columns) -> tuple[bytes, int]:
        """Write a shard, the same bytes for the same rows; say where in them the values begin."""
        count, width = columns.values.shape
        ids = pa.py_buffer(np.ascontiguousarray(columns.images).tobytes())
        arrays = [
            pa.FixedSizeBinaryArray.from_buffers(pa.binary(IMAGE_BYTES), count, [None, ids]),
            pa.array(columns.norms, pa.float32()),
            pa.FixedSizeListArray.from_arrays(pa.array(columns.values.reshape(-1), self.type), width),
            *(pa.array(columns.beside[name], pa.float32()) for name in sorted(columns.beside)),
        ]
        batch = pa.record_batch(arrays, schema=self.schema(width, columns.beside))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        data = sink.getvalue()
        with pa.ipc.open_file(data) as opened:
            at = _values_at(opened.get_batch(0), data)
        return data.to_pybytes(), at

    def decode(self, data: bytes, key: str, width: int, beside: Collection[str] = ()) -> tuple[Columns, int]:
        """Read a shard without copying it, and say where its values begin.

        Columns beside the values that nobody asks for are passed over.
        """
        buffer = pa.py_buffer(data)
        try:
            with pa.ipc.open_file(buffer) as opened:
                batches = [opened.get_batch(number) for number in range(opened.num_record_batches)]
                found = opened.schema
        except pa.ArrowException as error:
            raise ShardDamaged(key, f"it is no Arrow file: {error}") from error
        wanted = self.schema(width, beside)
        if found != wanted and [each for each in found if each.name in wanted.names] != list(wanted):
            raise ShardDamaged(key, f"it has the columns {found}, not {wanted}")
        if len(batches) != 1 or any(column.null_count for column in batches[0].columns):
            raise ShardDamaged(key, f"it has {len(batches)} batches or missing values, not one batch whole")
        image, norm, values = batches[0].columns[:3]
        columns = Columns(
            np.frombuffer(image.buffers()[1], dtype=f"S{IMAGE_BYTES}", count=len(image)),
            norm.to_numpy(),
            values.values.to_numpy().reshape(len(image), width),
            {name: batches[0].column(name).to_numpy() for name in beside},
        )
        return columns, _values_at(batches[0], buffer)


@cache
def _schema(form: Form, width: int, beside: tuple[str, ...]) -> pa.Schema:
    values = pa.list_(form.type, width)
    own = [("image", pa.binary(IMAGE_BYTES)), ("norm", pa.float32()), (form.name, values)]
    return pa.schema([*own, *((name, pa.float32()) for name in beside)])


FEATURES = Form("features", pa.float16())
LOGITS = Form("logits", pa.float32())


def ids_of(images: Sequence[str]) -> NDArray[np.bytes_]:
    """Make the column of ids from their hexadecimal digits."""
    return np.frombuffer(bytes.fromhex("".join(images)), dtype=f"S{IMAGE_BYTES}")


def _values_at(batch: pa.RecordBatch, data: pa.Buffer) -> int:
    values: pa.Buffer = batch.column(2).values.buffers()[1]
    return int(values.address - data.address)
