"""The guide for operators names commands, metrics and settings that exist."""

import re
from pathlib import Path

import typer
from typer.core import TyperGroup

from aloft.cli.main import app

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "operations.md").read_text()


def test_every_command_of_the_guide_exists() -> None:
    root = typer.main.get_command(app)
    named = set(re.findall(r"\baloft ([a-z]+)((?: [a-z]+)?)", "\n".join(re.findall(r"`([^`\n]+)`", GUIDE))))
    assert isinstance(root, TyperGroup)
    assert len(named) > 10, "the guide's commands were not found"
    for name, argument in sorted(named):
        assert name in root.commands, f"the guide names `aloft {name}`, which does not exist"
        command = root.commands[name]
        if isinstance(command, TyperGroup) and argument:
            assert argument.strip() in command.commands, f"there is no `aloft {name}{argument}`"


def test_every_metric_of_the_guide_exists() -> None:
    code = "".join(path.read_text() for path in (ROOT / "services" / "aloft").rglob("*.py"))
    for name in re.findall(r"^\| `((?:aloft|grpc)_[a-z_]+)`", GUIDE, re.MULTILINE):
        stem = name.removesuffix("_total")
        assert f'"{stem}"' in code or f'"{name}"' in code, f"the guide names {name}, which does not exist"
