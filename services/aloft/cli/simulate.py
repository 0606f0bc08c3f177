"""`aloft simulate`: strategies against one another on images whose labels are known."""

import os
import shlex
import signal
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from aloft.cli.output import err, out, refusals
from aloft.cli.progress import telling
from aloft.kit import memory
from aloft.kit.errors import InvalidArgument

if TYPE_CHECKING:
    from aloft.simulation.options import Options

INTERRUPTED = 130
"""Exit code: it was stopped, and goes on when it is called again."""

Text = str | None
File = Path | None
Number = int | None


def simulate(
    config: Annotated[
        File, typer.Option(help="A TOML file with these options; those given here win.")
    ] = None,
    data: Annotated[Text, typer.Option(help="Images: a folder or a tar archive.")] = None,
    labels: Annotated[
        Text, typer.Option(help="A table: path, then columns of 0 and 1. By default the data's labels.csv.")
    ] = None,
    strategies: Annotated[
        list[str] | None,
        typer.Option(help="What is compared, divided by commas: an expression, or START>EXPRESSION."),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="Which of them the others are compared with, beside random; divided by commas."),
    ] = None,
    out_dir: Annotated[Text, typer.Option("--out", help="The folder for all that comes of it.")] = None,
    initial: Annotated[Number, typer.Option(help="Images that are labelled first; by default 40.")] = None,
    batch: Annotated[
        Number, typer.Option(help="Images that are labelled in each round after; by default 40.")
    ] = None,
    rounds: Annotated[Number, typer.Option(help="Rounds after the first images; by default 8.")] = None,
    seeds: Annotated[Number, typer.Option(help="How often each is played; by default 5.")] = None,
    share: Annotated[
        float | None,
        typer.Option(
            help="Each seed plays on so much of the pool, drawn anew: below 1, all arms vary; by default 1."
        ),
    ] = None,
    init: Annotated[
        Text,
        typer.Option(
            help="Starting weights: ssl (learned from the pool), scratch, or a file; by default ssl."
        ),
    ] = None,
    mode: Annotated[
        Text, typer.Option(help="probe learns a head, full backbone and head; by default probe.")
    ] = None,
    imbalance: Annotated[
        Text,
        typer.Option(
            help="below=120,keep=0.15 keeps that share of the pool's images with any label on fewer images."
        ),
    ] = None,
    rare: Annotated[
        float | None,
        typer.Option(help="Without --imbalance: a label on a smaller share is rare; by default 0.05."),
    ] = None,
    stratify: Annotated[Text, typer.Option(help="A column that the split is to be even in.")] = None,
    unlabelled: Annotated[
        Text, typer.Option(help="More images for pre-training: a folder or a tar archive.")
    ] = None,
    size: Annotated[
        Number, typer.Option(help="Height and width of what the network sees; by default 64.")
    ] = None,
    bands: Annotated[Number, typer.Option(help="Bands of the images; by default 3.")] = None,
    architecture: Annotated[Text, typer.Option(help="The network: a timm name; by default resnet18.")] = None,
    split_seed: Annotated[
        Number, typer.Option(help="What split, thinning and pre-training are drawn from; by default 0.")
    ] = None,
    epochs: Annotated[
        Number, typer.Option(help="Passes of pre-training over its images; by default 25.")
    ] = None,
    parallel: Annotated[
        Number, typer.Option(help="Arms that are played at once, each in one thread; by default one a core.")
    ] = None,
    device: Annotated[
        Text, typer.Option(help="Where networks run: auto, cpu, cuda; by default auto.")
    ] = None,
    save_init: Annotated[
        Text, typer.Option(help="A file for the starting weights, to be another experiment's --init.")
    ] = None,
    keep_rounds: Annotated[
        bool | None, typer.Option("--keep-rounds", help="Go on with rounds that other code played.")
    ] = None,
    cache: Annotated[File, typer.Option(help="The folder for what experiments share.")] = None,
) -> None:
    """Play active learning through on labelled images, and report which strategy saves how many labels.

    Each strategy starts with a few images and asks for the labels of more, round after round. What has been
    played stays: called again, the command goes on where it was stopped.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    given["out"] = given.pop("out_dir", None)
    folder = given.pop("cache", None) or _cache()
    with refusals(), _needed_packages(), _stoppable():
        if folder.exists() and not folder.is_dir():
            raise InvalidArgument.of("cache", f"{folder} is a file; name a folder")
        chosen = _options(given.pop("config", None), {k: v for k, v in given.items() if v is not None})
        _run(chosen, folder)


def _run(options: "Options", cache: Path) -> None:
    from aloft.simulation.experiment import simulate as run
    from aloft.simulation.report import baselines, pictures, write

    memory.hold_freed()
    against = baselines(options)
    with telling(err) as tell:
        run(options, cache, tell)
    command = shlex.join(["aloft", *sys.argv[1:]])
    write(options.out, against, pictures(options, cache), command)
    out.print(escape(str(options.out / "report.html")), soft_wrap=True)


def _options(config: Path | None, given: Mapping[str, Any]) -> "Options":
    from aloft.simulation.options import options_of

    found = {} if config is None else _read(config)
    found |= given
    for name in ("strategies", "against"):
        if isinstance(expressions := found.get(name), list):
            found[name] = [each for one in expressions for each in _divided(str(one))]
    return options_of(found)


def _read(config: Path) -> dict[str, Any]:
    """Read a configuration file, in which $NAME stands for what the environment says."""
    try:
        return {name: _expanded(value) for name, value in tomllib.loads(config.read_text("utf-8")).items()}
    except OSError as error:
        raise InvalidArgument.of("config", f"{config} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument.of("config", f"{config} is not TOML: {error}") from error
    except ValueError as error:
        raise InvalidArgument.of("config", f"{config}: {error}; write $$ for a dollar sign") from error
    except KeyError as missing:
        raise InvalidArgument.of("config", f"{config} speaks of ${missing.args[0]}: set it") from missing


def _expanded(value: Any) -> Any:
    return Template(value).substitute(os.environ) if isinstance(value, str) else value


def _divided(text: str) -> list[str]:
    """Divide at commas that are not within parentheses."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "aloft" / "simulate"


@contextmanager
def _needed_packages() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith("aloft"):
            raise
        raise typer.BadParameter(
            f"simulations need the package {missing.name}: install aloft[acquisition,trainer]"
        ) from missing


@contextmanager
def _stoppable() -> Iterator[None]:
    """Have SIGTERM do what Ctrl-C does, and end with a sentence instead of a trace."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        err.print("stopped: the same command goes on from here")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
