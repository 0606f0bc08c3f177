"""Prove that only composition roots, the command line and the kit's settings read the environment."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "services" / "aloft"
READS = {"environ", "environb", "getenv"}


def may_read(module: Path) -> bool:
    """Tell whether a module, named from the package's root, is one that settings come in by."""
    return module.name == "app.py" or module.parts[0] == "cli" or module.parts[:2] == ("kit", "settings")


def reads(source: str) -> Iterator[int]:
    """Name the lines that read the environment."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in READS:
                yield node.lineno
            case ast.ImportFrom(module="os", names=names) if READS & {each.name for each in names}:
                yield node.lineno


def offences(package: Path) -> list[str]:
    """List every place in a package that reads the environment and may not."""
    modules = (path for path in sorted(package.rglob("*.py")) if not may_read(path.relative_to(package)))
    return [f"{path.relative_to(package)}:{line}" for path in modules for line in reads(path.read_text())]


def main() -> int:
    """Check the package."""
    found = offences(PACKAGE)
    for place in found:
        print(f"{place} reads the environment; only composition roots and kit/settings do")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
