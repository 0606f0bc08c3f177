"""Read a list to its end, page by page."""

from collections.abc import Callable, Iterator
from typing import Any

SIZE = 100
"""How many items are asked for at once."""


def pages(call: Callable[[Any], Any], request: Any) -> Iterator[Any]:
    """Ask for one page after the other."""
    request.page_size = SIZE
    while True:
        page = call(request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
