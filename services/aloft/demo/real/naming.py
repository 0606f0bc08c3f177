"""What a run on servers is called: what it makes there bears its name, and nothing else is removed."""

import re
import secrets

NAME = re.compile(r"aloft-demo-[0-9a-f]{8}")


def new_name() -> str:
    """Call a run as no other is called."""
    return f"aloft-demo-{secrets.token_hex(4)}"


def removal(name: str) -> str:
    """Say the command that removes what a run has left."""
    return f"aloft demo --real --remove {name}"
