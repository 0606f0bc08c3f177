"""Generate `services/aloft/api` from `protos/`, or prove that what is committed is fresh (`--check`)."""

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import google.api
import google.longrunning
import grpc_tools

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
SERVICES = ROOT / "services"
API = Path("aloft") / "api"


def include_paths(scratch: Path) -> list[str]:
    """Say where protoc finds what Aloft's protos import: all of it comes with the pinned Python packages."""
    common = Path(next(iter(google.api.__path__))).parent.parent
    # The package ships this file under another name than every other language knows it by.
    renamed = scratch / "google" / "longrunning"
    renamed.mkdir(parents=True)
    shipped = Path(next(iter(google.longrunning.__path__))) / "operations_proto.proto"
    shutil.copy(shipped, renamed / "operations.proto")
    builtin = Path(grpc_tools.__file__).parent / "_proto"
    return [f"-I{path}" for path in (PROTOS, scratch, common, builtin)]


def protoc(*arguments: str) -> None:
    """Run protoc over every proto of Aloft."""
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            *include_paths(Path(scratch)),
            *arguments,
            *sources,
        ]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(command, check=True, env={**os.environ, "PATH": path})


def generate(target: Path) -> None:
    """Write the generated packages below `target`, empty gRPC modules left out."""
    protoc(
        f"--python_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_out=quiet:{target}",
        f"--mypy_grpc_out=quiet:{target}",
    )
    for module in (target / API).rglob("*_pb2_grpc.py"):
        if "class " not in module.read_text():
            module.unlink()
            module.with_suffix(".pyi").unlink(missing_ok=True)
    for folder in [target / API, *(target / API).rglob("*")]:
        if folder.is_dir() and folder.name != "__pycache__":
            (folder / "__init__.py").write_text(
                f'"""Generated from `protos/{folder.relative_to(target)}`."""\n'
            )


def stale(generated: Path) -> list[str]:
    """Name what differs between the committed code and what the protos say."""
    fresh = {path.relative_to(generated) for path in generated.rglob("*.py*")}
    committed = {
        path.relative_to(SERVICES) for path in (SERVICES / API).rglob("*.py*") if path.suffix != ".pyc"
    }
    changed = {
        path
        for path in fresh & committed
        if not filecmp.cmp(generated / path, SERVICES / path, shallow=False)
    }
    return sorted(map(str, (fresh ^ committed) | changed))


def main() -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if the committed code is stale"
    )
    parser.add_argument(
        "--image", type=Path, help="write a descriptor set with sources here, for buf, and stop"
    )
    arguments = parser.parse_args()
    if arguments.image:
        protoc("--include_imports", "--include_source_info", f"-o{arguments.image}")
        return 0
    if arguments.check:
        with tempfile.TemporaryDirectory() as scratch:
            generate(Path(scratch))
            names = stale(Path(scratch))
        print("\n".join(f"stale: services/{name}" for name in names) or "generated code is fresh")
        return 1 if names else 0
    shutil.rmtree(SERVICES / API, ignore_errors=True)
    generate(SERVICES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
