"""The one asyncio loop of a process: every gRPC server in it runs there."""

import asyncio
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="grpc", daemon=True).start()
    return loop


def on_loop(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on the loop and wait for it, from any other thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop()).result()
