import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from aloft import strategies
from aloft.kit.errors import InvalidArgument
from aloft.strategies import Standing, plugins
from aloft.strategies.entry import Kind

DOCUMENT = Path(__file__).parents[3] / "docs" / "strategies.md"

ASK = """
import sys
from aloft import strategies
expression = strategies.check("class_balanced(sharp(power=3)) + kmeans")
entry = next(one for one in strategies.entries() if one.name == "sharp")
light = "numpy" not in sys.modules
from tests.unit.strategies.opened import Opened, pool_with_everything
strategy = strategies.load(expression)
pool = Opened(pool_with_everything(30, 1), strategy.needs)
picks = strategy.select(pool, strategy.rank(pool, 5, 1), 5, 1)
print(expression, entry.package, light, len(picks))
"""


def bring(patch: pytest.MonkeyPatch, **objects: str) -> None:
    """Let an installed package bring these names; `a__b` and `a` both bring `a`."""
    points = tuple(
        EntryPoint(name.partition("__")[0], f"tests.unit.strategies.brought:{value}", plugins.GROUP)
        for name, value in objects.items()
    )
    patch.setattr(plugins, "_points", lambda: points)
    plugins.sound.cache_clear()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    plugins.sound.cache_clear()


def refusal(expression: str) -> str:
    with pytest.raises(InvalidArgument) as refused:
        strategies.check(expression, "a.field")
    assert refused.value.reason == "UNUSABLE_STRATEGY"
    assert refused.value.violations[0].field == "a.field"
    return refused.value.message


def test_the_example_of_the_documentation_works_once_it_is_installed(tmp_path: Path) -> None:
    files = dict(re.findall(r"```\w+\n# (\S+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL))
    declared = tomllib.loads(files.pop("pyproject.toml"))["project"]["entry-points"]["aloft.strategies"]
    installed = tmp_path / "sharp-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: sharp\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in declared.items()]
    (installed / "entry_points.txt").write_text("\n".join(["[aloft.strategies]", *lines]))
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    path = f"{tmp_path}:{DOCUMENT.parents[1]}"
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=False, env={"PYTHONPATH": path}
    )
    assert done.stdout.split() == ["class_balanced(sharp(power=3.0))+kmeans", "sharp", "True", "5"], (
        done.stderr
    )


def test_what_a_package_brings_is_listed_and_composed_like_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    bring(monkeypatch, sound="SOUND")
    (entry,) = (one for one in strategies.entries() if one.name == "sound")
    assert (entry.kind, entry.package) == (Kind.SCORE, "tests.unit.strategies.brought:SOUND")
    assert strategies.check("sound+kmeans") == "sound+kmeans"
    assert strategies.needs("sound+kmeans") == strategies.needs("mge+kmeans")
    assert strategies.in_force("sound+kmeans", Standing(base=True)) == "centroids"
    with pytest.raises(InvalidArgument, match="did you mean sound"):
        strategies.check("sounds")


@pytest.mark.parametrize(
    ("name", "declared", "why"),
    [
        ("gone", "GONE", "cannot be loaded: AttributeError: "),
        ("no_entry", "NO_ENTRY", "is a str, and not an Entry"),
        ("named", "OTHERWISE_CALLED", "calls itself 'otherwise': the two must agree, in lower case"),
        ("wrapper", "WRAPPER", "is a wrapper, which only Aloft brings"),
        ("strangely_wrapped", "STRANGELY_WRAPPED", "may be wrapped by median: there are mean, max, class_"),
        ("unwritten", "UNWRITTEN", "needs the columns depth: embedding writes bald, mll"),
        (
            "nowhere",
            "NOWHERE",
            "is written in 'aloft.strategies.nowhere:scorer', which is no module:",
        ),
    ],
)
def test_what_is_broken_is_refused_by_name_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, declared: str, why: str
) -> None:
    bring(monkeypatch, sound="SOUND", **{name: declared})
    whose = f"{name!r} of the installed package tests.unit.strategies.brought:{declared} "
    assert refusal(f"{name}+kmeans").startswith(whose + why)
    assert strategies.check("sound") == "sound"
    names = {one.name for one in strategies.entries()}
    assert "sound" in names
    assert name not in names
    assert whose + why in caplog.text, "what is left out of the list is told of nowhere"


def test_a_name_that_two_packages_bring_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bring(monkeypatch, sound="SOUND", sound__too="ENTROPY")
    assert refusal("sound").startswith("'sound' is brought by tests.unit.strategies.brought:SOUND and by ")


def test_a_name_that_is_ours_is_refused_to_a_new_campaign_and_keeps_its_meaning_in_an_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bring(monkeypatch, entropy="ENTROPY")
    said = refusal("max(entropy)+kmeans")
    assert "'entropy' is Aloft's own, and the installed package tests.unit.strategies.brought:ENTROPY" in said
    assert strategies.check("margin+kmeans") == "margin+kmeans"
    assert strategies.in_force("max(entropy)+kmeans", Standing(base=False)) == "max(entropy)+kmeans"
    assert strategies.load("max(entropy)").name == "max(entropy)"
    (entry,) = (one for one in strategies.entries() if one.name == "entropy")
    assert entry.package == ""
