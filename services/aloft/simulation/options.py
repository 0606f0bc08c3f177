"""What an experiment is asked to be: one field an option, checked when it is made."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from aloft.kit.errors import FieldViolation, InvalidArgument
from aloft.learning import Augmentation, FineTuneRecipe
from aloft.simulation import thinning
from aloft.simulation.thinning import Imbalance

SSL, SCRATCH = "ssl", "scratch"
AtLeastOne = Annotated[int, Field(ge=1)]
AtLeastNone = Annotated[int, Field(ge=0)]


def _imbalance(value: object) -> object:
    return thinning.parse(value) if isinstance(value, str) else value


def _recipe(value: object) -> object:
    """Complete a recipe of which only what differs is given."""
    if not isinstance(value, Mapping):
        return value
    if "seed" in value:
        raise ValueError("seed: every seed of an arm fine-tunes by its own; leave it out")
    whole = asdict(FineTuneRecipe())
    return _completed(value, whole, FineTuneRecipe) | {
        "augmentation": _completed(value.get("augmentation", {}), whole["augmentation"], Augmentation)
    }


def _completed(given: object, whole: dict[str, Any], of: type) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ValueError(f"{given!r} is no table; give one of {', '.join(each.name for each in fields(of))}")
    named = [each.name for each in fields(of)]
    if unknown := sorted(given.keys() - set(named)):
        raise ValueError(f"there is no {', '.join(unknown)}; there are {', '.join(named)}")
    return whole | dict(given)


class Options(BaseModel):
    """Names are those of the command's options and of a configuration file's keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    data: Path
    """Images: a folder or a tar archive."""
    out: Path
    """The folder for everything that comes of it."""
    strategies: Annotated[tuple[str, ...], Field(min_length=1)]
    """Arms: `expression`, or `start>expression`."""
    against: tuple[str, ...] = ()
    """Arms that the others are compared with, beside `random`."""
    labels: Path | None = None
    """The table; none for `labels.csv` in the data."""
    initial: AtLeastOne = 40
    """Images that are labelled before the first version."""
    batch: AtLeastOne = 40
    """Images that are labelled in each round after."""
    rounds: AtLeastNone = 8
    """Rounds after the first images."""
    seeds: AtLeastOne = 5
    """How often each arm is played, under the seeds 0, 1, …"""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of the pool: each seed plays on so much of it, drawn anew, so that seeds differ in every arm."""
    init: str = SSL
    """`ssl`, `scratch`, or a file of weights."""
    mode: Literal["probe", "full"] = "probe"
    """`probe` learns a head, `full` backbone and head."""
    imbalance: Annotated[Imbalance | None, BeforeValidator(_imbalance)] = None
    """How the pool is thinned."""
    rare: Annotated[float, Field(ge=0, le=1)] = thinning.RARE
    """Where nothing is thinned: the share of all images below which a label counts as rare."""
    stratify: str | None = None
    """The column whose values every split has in the same shares."""
    unlabelled: Path | None = None
    """More images for pre-training: a folder or a tar archive."""
    size: AtLeastOne = 64
    """Height and width to which images are resized."""
    bands: AtLeastOne = 3
    architecture: str = "resnet18"
    split_seed: AtLeastNone = 0
    """What the split, the thinning and pre-training are drawn from."""
    epochs: AtLeastOne = 25
    """Passes of pre-training over its images."""
    fine_tune: Annotated[FineTuneRecipe, BeforeValidator(_recipe)] = FineTuneRecipe()
    """The recipe of `full`; a table of what differs."""
    parallel: AtLeastNone = 0
    """Arms that are played at once; 0 for as many as there are cores."""
    device: str = "auto"
    """Where networks run."""
    keep_rounds: bool = False
    """Go on with rounds in `out` that other code played."""
    save_init: Path | None = None
    """A file for the starting weights, so that another experiment can begin with them."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.init not in (SSL, SCRATCH) and not Path(self.init).is_file():
            raise ValueError(
                f"init: there is no file {self.init}; give {SSL}, {SCRATCH} or a file of weights"
            )
        if self.mode == "full" and not self.fine_tune.steps:
            raise ValueError("fine_tune: steps is 0, and mode full is to train: give at least 1")
        if self.out.exists() and not self.out.is_dir():
            raise ValueError(f"out: {self.out} is a file; name a folder")
        if self.save_init is not None and self.save_init.is_dir():
            raise ValueError(f"save_init: {self.save_init} is a folder; name a file")
        if self.unlabelled is not None and self.init != SSL:
            raise ValueError(f"unlabelled: only init {SSL} sees these images; leave one of the two out")
        return self


def options_of(given: Mapping[str, Any]) -> Options:
    """Make options of what a configuration file and a command line say, by name."""
    try:
        return Options.model_validate(dict(given))
    except ValidationError as error:
        raise InvalidArgument(
            "INVALID_OPTIONS",
            "the options cannot be used",
            tuple(_violation(each["loc"], each["type"], each["msg"]) for each in error.errors()),
        ) from error


def _violation(place: tuple[int | str, ...], kind: str, told: str) -> FieldViolation:
    told = told.removeprefix("Value error, ")
    if kind == "extra_forbidden":
        told = f"there is no such option; there are {', '.join(Options.model_fields)}"
    if not place:
        name, _, told = told.partition(": ")
        return FieldViolation(name, told)
    return FieldViolation(".".join(map(str, place)), told)
