"""What must hold of the repository as a whole."""

import ast
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from scripts import settings_readers

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def lines_with(pattern: str) -> list[str]:
    expression = re.compile(pattern, re.IGNORECASE)
    found = []
    for path in tracked():
        if path == Path(__file__).resolve():
            continue
        text = path.read_text(errors="replace")
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
            for number, line in enumerate(text.splitlines(), start=1)
            if expression.search(line)
        ]
    return found


def test_no_file_names_a_registry() -> None:
    python, java, others = (
        "pypi|pythonhosted",
        r"repo1?\.maven",
        r"npmjs|registry\.npm|proxy\.golang|deb\.debian",
    )
    images = r"docker\.io|quay\.io|ghcr\.io"
    assert lines_with(rf"https?://[a-z0-9.-]*({python}|{java}|{others}|{images})") == []
    assert lines_with(r"--(extra-)?index-url|--find-links") == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    assert lines_with(r"(?<![\w.~$}/-])/(work|root|home/\w+|Users/\w+)/") == []


def test_constraints_hold_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    wrong = [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.+!-]+", line)]
    assert wrong == []


def test_continuous_integration_runs_the_command_that_the_readme_names() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text().splitlines()
    assert "make test" in (ROOT / "README.md").read_text()


def test_bare_make_prints_every_target() -> None:
    printed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    described = {line.split()[1] for line in printed.splitlines()}
    expected = "setup demo test test-fast soak bench bench-peers lint protos stack-up stack-down"
    assert described == set(expected.split())


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    missing = [path.name for path in folder.glob("*.md") if f"({path.name})" not in index]
    assert set(missing) <= {"README.md"}


FORBIDDEN = {
    "services-apart": ("embedding/domain/intruder.py", "import aloft.trainer"),
    "services-below-cli": ("trainer/intruder.py", "import aloft.cli"),
    "serving-beside-services": ("serving/intruder.py", "import aloft.trainer"),
    "simulation-beside-services": ("simulation/intruder.py", "import aloft.acquisition"),
    "kit-below-services": ("kit/intruder.py", "import aloft.label_store"),
    "kit-knows-few-messages": ("kit/jobs/intruder.py", "import aloft.api.labels"),
    "domain-without-io": ("acquisition/domain/intruder.py", "import sqlalchemy"),
    "settings-at-the-root": ("label_store/intruder.py", "import pydantic_settings"),
    "light-services": ("acquisition/intruder.py", "import torch"),
}


def test_every_import_contract_is_tried() -> None:
    assert set(FORBIDDEN) == {contract["id"] for contract in CONTRACTS}


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a tree with the package's modules, empty, and the real import contracts."""
    root = tmp_path_factory.mktemp("skeleton")
    shutil.copy(ROOT / "pyproject.toml", root)
    names = [path.relative_to(ROOT) for path in (ROOT / "services" / "aloft").rglob("*.py")]
    for service in ("label_store", "embedding", "acquisition", "trainer"):
        names.append(Path("services/aloft") / service / "domain" / "__init__.py")
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def lint_imports(root: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [str(TOOLS / "lint-imports"), "--no-cache", "--no-logo", "--contract", contract]
    # The tree's own package is to be found, not the one that is installed.
    return subprocess.run(
        command,
        cwd=root,
        env={"PYTHONPATH": str(root / "services")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("contract", FORBIDDEN)
def test_an_import_contract_fails_when_a_forbidden_import_is_added(skeleton: Path, contract: str) -> None:
    name, statement = FORBIDDEN[contract]
    kept = lint_imports(skeleton, contract)
    assert kept.returncode == 0, f"{contract} is broken by nothing:\n{kept.stdout}{kept.stderr}"

    intruder = skeleton / "services" / "aloft" / name
    intruder.write_text(f"{statement}\n")
    broken = lint_imports(skeleton, contract)
    intruder.unlink()

    assert broken.returncode == 1, f"{contract} let `{statement}` in {name} pass:\n{broken.stdout}"
    assert "intruder" in broken.stdout


@pytest.mark.parametrize(
    "source", ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ"]
)
def test_reading_the_environment_outside_a_composition_root_is_found(tmp_path: Path, source: str) -> None:
    ast.parse(source)
    for name in ("trainer/use_case.py", "trainer/app.py", "kit/settings/load.py", "cli/main.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(source))
    found = {place.split(":")[0] for place in settings_readers.offences(tmp_path)}
    assert found == {"trainer/use_case.py"}
