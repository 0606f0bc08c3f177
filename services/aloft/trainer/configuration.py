"""Reads what an event says of a campaign; what it leaves out has the default."""

from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.imagery import ImageSpec
from aloft.trainer.domain.campaign import (
    ARCHITECTURE,
    Base,
    Campaign,
    Gate,
    Mode,
    Pretraining,
    State,
    Training,
)

_STATES = {
    labels.Campaign.STATE_PAUSED: State.PAUSED,
    labels.Campaign.STATE_RUNNING: State.RUNNING,
    labels.Campaign.STATE_STOPPED: State.STOPPED,
}
_STEPS = ("steps", "batch_images", "learning_rate")


def campaign_of(name: str, said: labels.Campaign) -> Campaign:
    """Read a campaign, or raise `ValueError` for one that makes no sense."""
    if said.state not in _STATES:
        raise ValueError(f"campaigns/{name} has the state {said.state}, which is none")
    return Campaign(
        id=name,
        version=said.version,
        state=_STATES[said.state],
        spec=_spec(said.image_spec),
        base=_base(said.base_model),
        training=_training(said.training),
        gate=_gate(said.gate),
        labels=tuple(label.id for label in said.taxonomy.labels),
        strategy=said.strategy.expression,
        evaluation_images=said.held_out.evaluation_images,
    )


def pretraining_of(said: labels.Pretraining) -> Pretraining:
    """Read how a backbone learns from the pool."""
    default = Pretraining()
    given = {name: getattr(said, name) or getattr(default, name) for name in ("method", *_STEPS)}
    return Pretraining(**given, seed=said.seed)


def _base(said: labels.BaseModel) -> Base:
    pretraining = pretraining_of(said.pretraining) if said.HasField("pretraining") else None
    return Base(said.architecture or ARCHITECTURE, said.seed, said.checkpoint_key, pretraining)


def _training(said: labels.Training) -> Training:
    default = Training()
    mode = Mode.PROBE if said.mode == labels.Training.MODE_PROBE else Mode.FULL
    return Training(
        mode, **{name: getattr(said, name) or getattr(default, name) for name in _STEPS}, seed=said.seed
    )


def _gate(said: labels.Gate) -> Gate:
    return Gate(
        **{name: getattr(said, name) if said.HasField(name) else None for name in ("minimum", "max_drop")}
    )


def _spec(said: labels.ImageSpec) -> ImageSpec:
    default = ImageSpec()
    return ImageSpec(
        height=said.height or default.height,
        width=said.width or default.width,
        bands=said.bands or default.bands,
        mean=tuple(said.mean),
        std=tuple(said.std),
    )
