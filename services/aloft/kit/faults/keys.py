"""What a call is about, in words that are the same in every run: the key of its address."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

Keys = Callable[[str, tuple[Any, ...], dict[str, Any]], str]
"""Derives a key from a method's name and arguments."""

_PLUMBING = ("aloft.kit.faults", "aloft.kit.database", "contextlib")


def by_arguments(method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    """Name the object, group, topics or lock that the first argument names; messages by topic and key."""
    about = arguments[0] if arguments else next(iter(named.values()), "")
    if isinstance(about, str):
        return about
    if isinstance(about, list | tuple | set | frozenset):
        return ",".join(sorted({_name(part) for part in about}))
    return ""


def _name(part: object) -> str:
    message = getattr(part, "message", part)
    topic, key = getattr(message, "topic", None), getattr(message, "key", None)
    return str(part) if topic is None else f"{topic}/{key}"


def by_caller() -> str:
    """Name the use case that is calling: the nearest function of a service, or else of the kit."""
    frame: FrameType | None = sys._getframe(1)
    nearest = ""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith(_PLUMBING):
            name = f"{module.removeprefix('aloft.')}.{frame.f_code.co_qualname}"
            nearest = nearest or name
            if module.startswith("aloft.") and not module.startswith("aloft.kit."):
                return name
        frame = frame.f_back
    return nearest
