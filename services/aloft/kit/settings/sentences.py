"""Says what is wrong with a setting: which, why, and what is allowed."""

import difflib
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

PREFIX = "ALOFT_"
DELIMITER = "__"
MASK = "********"


def name_of(*path: object) -> str:
    """Say how a setting is called in the environment."""
    return PREFIX + DELIMITER.join(str(part) for part in path).upper()


def fields(cls: type[BaseModel], *path: str) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Walk every setting with its path through the sections."""
    for name, field in cls.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from fields(section, *path, name)
        else:
            yield (*path, name), field


def is_secret(field: FieldInfo) -> bool:
    """Whether the value must not be shown."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def allowed(field: FieldInfo) -> str:
    """Say in words what a setting may be."""
    words = _words(field.annotation)
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in _BOUNDS if hasattr(rule, name)}
    said = [f"{text} {bounds[name]}" for name, text in _BOUNDS.items() if bounds.get(name) is not None]
    return f"{words}, {' '.join(said)}" if said else words


_BOUNDS = {
    "ge": "from",
    "gt": "above",
    "le": "to",
    "lt": "below",
    "min_length": "at least this long:",
    "max_length": "at most this long:",
    "pattern": "like",
}
_NAMES: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    Path: "a path",
    SecretStr: "a secret",
}


def _words(annotation: Any) -> str:
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(one) for one in arguments)
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join("unset" if one is type(None) else _words(one) for one in arguments)
    return _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def sentences(cls: type[BaseModel], error: ValidationError) -> list[str]:
    """Say each problem in a sentence."""
    known = dict(fields(cls))
    return [_sentence(known, dict(problem)) for problem in error.errors()]


def _sentence(known: Mapping[tuple[str, ...], FieldInfo], problem: dict[str, Any]) -> str:
    path = tuple(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        return f"{problem['ctx']['error']}."
    if problem["type"] == "extra_forbidden":
        return _unknown(name_of(*path), [name_of(*one) for one in known])
    field = known.get(path)
    if field is None:
        return f"{name_of(*path)} is a section, which is set by {name_of(*path)}{DELIMITER}<NAME>."
    shown = MASK if is_secret(field) else repr(problem["input"])
    why = str(problem["msg"]).replace("Input should", "it should")
    return f"{name_of(*path)} is {shown}: {why}; allowed: {allowed(field)}."


def _unknown(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, 1)
    hint = f"; did you mean {near[0]}?" if near else "; `aloft settings` lists them all."
    return f"{name} is no setting{hint}"


def misspelt(cls: type[BaseModel], environ: Mapping[str, str]) -> list[str]:
    """Find variables whose section is nearly one of ours; those of other services are left alone."""
    sections = [name_of(name) for name in cls.model_fields]
    names = [name_of(*path) for path, _ in fields(cls)]
    found = []
    for name in environ:
        section, delimiter, _ = name.partition(DELIMITER)
        foreign = delimiter and name.startswith(PREFIX) and section not in sections
        if foreign and difflib.get_close_matches(section, sections, 1, cutoff=0.85):
            found.append(_unknown(name, names))
    return found
