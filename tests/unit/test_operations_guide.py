"""The guides for operators name commands, options, metrics and causes that exist, and leave none out."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from aloft.acquisition.domain.due import Awaited
from aloft.cli.main import app
from aloft.trainer.domain.due import Waits

ROOT = Path(__file__).parents[2]
CODE = ROOT / "services" / "aloft"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
LOOP = (ROOT / "docs" / "loop.md").read_text()
GUIDES = {
    name: (ROOT / name).read_text()
    for name in ("README.md", "docs/operations.md", "docs/loop.md", "docs/vendor-guide.md")
}


def commands(guide: str) -> Iterator[str]:
    """Read what a guide has its reader type: in backticks, and in blocks of shell."""
    yield from re.findall(r"`aloft ([^`\n]+)`", guide)
    for block in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield from re.findall(r"(?:^|\$\()aloft ([^#)]+)", line)


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_of_a_guide_exists_with_its_options(name: str) -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    for said in commands(GUIDES[name]):
        words = said.split()
        command = root.commands.get(words[0])
        assert command is not None, f"{name} names `aloft {said}`: there is no such command"
        if isinstance(command, TyperGroup) and len(words) > 1 and words[1].islower():
            assert words[1] in command.commands, f"{name} names `aloft {said}`: there is no such command"
            command = command.commands[words[1]]
        options = {option for each in command.params for option in each.opts}
        for word in words:
            if word.startswith("--") and isinstance(command, TyperCommand):
                assert word in options | {"--help"}, f"{name} names `aloft {said}`: it has no {word}"


def test_every_reason_of_the_vendors_guide_is_one_that_a_service_gives() -> None:
    table = GUIDES["docs/vendor-guide.md"].partition("| status | reason | do |")[2].partition("\n\n")[0]
    reasons = {one for row in table.splitlines()[2:] for one in re.findall(r"`([A-Z_]+)`", row.split("|")[2])}
    assert len(reasons) > 5, "reasons were not found"
    code = "".join(
        path.read_text() for part in ("kit", "label_store") for path in (CODE / part).rglob("*.py")
    )
    assert {one for one in reasons if f'"{one}"' not in code} == set(), "no service gives these"


def test_the_guides_name_enough_commands_to_be_worth_a_test() -> None:
    assert sum(len(list(commands(guide))) for guide in GUIDES.values()) > 40, "commands were not found"


def metrics() -> set[str]:
    """Read the names of the metrics that the code has."""
    found: set[str] = set()
    for path in CODE.rglob("*.py"):
        text = path.read_text()
        if "prometheus_client" in text:
            found |= set(re.findall(r'"((?:aloft|grpc_server)_[a-z_]+)"', text))
    return {name.removesuffix("_total") for name in found}


def test_the_guide_names_every_metric_and_no_other() -> None:
    named = {
        name.removesuffix("_total")
        for name in re.findall(r"^\| `((?:aloft|grpc)_[a-z_]+)`", OPERATIONS, re.MULTILINE)
    }
    assert named - metrics() == set(), "the guide names metrics that do not exist"
    assert metrics() - named == set(), "the guide leaves metrics out"


def causes() -> set[str]:
    """Read the codes of the causes that services and the command line name."""
    found: set[str] = set()
    for path in [
        *CODE.rglob("explaining.py"),
        CODE / "kit" / "common_causes.py",
        CODE / "cli" / "reasons.py",
    ]:
        text = path.read_text()
        found |= set(re.findall(r'"([A-Z][A-Z_]{3,})"', text))
        found |= {Waits[name].value for name in re.findall(r"\bWaits\.([A-Z_]+)", text)}
    return (found | {awaited.value for awaited in Awaited}) - {"CAMPAIGN_NOT_FOUND"}


def test_the_guide_explains_every_cause_and_no_other() -> None:
    explained = set(re.findall(r"^\| [^|]+\| `([A-Z_]+)` \|", LOOP, re.MULTILINE))
    assert explained - causes() == set(), "the guide explains causes that nobody names"
    assert causes() - explained == set(), "the guide leaves causes out"
