"""Field masks of update methods (AIP-134): which fields of a resource a request changes."""

from collections.abc import Collection
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from aloft.kit.errors import FieldViolation, InvalidArgument


def apply(update_mask: FieldMask, target: Any, source: Any, mutable: Collection[str]) -> list[str]:
    """Copy the fields that the mask names from source to target, and say which; only `mutable` ones.

    No mask means every mutable field that the source has; `*` means every mutable field. Lists and maps are
    replaced, not merged.
    """
    paths = list(dict.fromkeys(update_mask.paths))
    if not paths:
        paths = [path for path in mutable if _present(source, path)]
    elif paths == ["*"]:
        paths = list(mutable)
    violations = [
        FieldViolation("update_mask", problem)
        for path in paths
        if (problem := _problem(path, target.DESCRIPTOR, mutable))
    ]
    if violations:
        message = "; ".join(violation.description for violation in violations)
        raise InvalidArgument("INVALID_UPDATE_MASK", f"update_mask: {message}", tuple(violations))
    for path in paths:
        _copy(path, target, source)
    return paths


def _problem(path: str, descriptor: Descriptor, mutable: Collection[str]) -> str:
    at: Descriptor | None = descriptor
    for name in path.split("."):
        field = at.fields_by_name.get(name) if at is not None else None
        if field is None:
            return f"{path!r} is no field of {descriptor.name}"
        at = None if field.is_repeated else field.message_type
    if not any(path == one or path.startswith(f"{one}.") for one in mutable):
        return f"{path!r} cannot be changed; what can: {', '.join(sorted(mutable)) or 'nothing'}"
    return ""


def _present(message: Message, path: str) -> bool:
    for name in path.split("."):
        if name not in {field.name for field, _ in message.ListFields()}:
            return False
        message = getattr(message, name)
    return True


def _copy(path: str, target: Any, source: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        if not (source.HasField(parent) or target.HasField(parent)):
            return
        target, source = getattr(target, parent), getattr(source, parent)
    target.ClearField(name)
    field = source.DESCRIPTOR.fields_by_name[name]
    value = getattr(source, name)
    if field.is_repeated:
        getattr(target, name).MergeFrom(value)
    elif field.message_type is not None:
        if source.HasField(name):
            getattr(target, name).CopyFrom(value)
    elif not field.has_presence or source.HasField(name):
        setattr(target, name, value)
