"""How a network is trained: everything that, with the data and the starting weights, decides the outcome."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What may be done to an image without changing what is on it.

    Overhead images have no up, so every turn and mirror image is as likely. Colours carry much of what tells
    land covers apart, so they are moved by band and gently. Values are normalised: 1 is one deviation.
    """

    smallest_crop: float
    """Of the image's area; 1 leaves the whole image."""
    aspect: float
    """A crop's sides are stretched against one another by at most this factor."""
    gain: float
    """Contrast: all bands are scaled by 1 ± this, and each by 1 ± half of it more."""
    offset: float
    """Brightness: all bands are shifted by ± this, and each by ± half of it more."""
    grey: float
    """How many of the images become the mean of their bands; only where there are three bands."""


@dataclass(frozen=True, slots=True)
class PretrainRecipe:
    """SimCLR (Chen et al., ICML 2020)."""

    steps: int = 2000
    batch_images: int = 256
    """Images in a batch, each seen twice; where the pool has fewer, all of it."""
    learning_rate: float = 1e-3
    """After the warm-up."""
    seed: int = 0
    temperature: float = 0.2
    """Of the contrastive loss: the lower, the more the nearest other images count."""
    projection: int = 128
    """Values of the projection that the loss compares, thrown away in the end."""
    weight_decay: float = 1e-4
    warm_up: float = 0.1
    """The share of the steps in which the learning rate grows to its height."""
    augmentation: Augmentation = Augmentation(smallest_crop=0.2, aspect=4 / 3, gain=0.4, offset=0.4, grey=0.2)


@dataclass(frozen=True, slots=True)
class FineTuneRecipe:
    """Backbone and head together, by binary cross-entropy or the asymmetric loss.

    That is Ridnik et al., ICCV 2021 (arXiv:2009.14119).
    """

    steps: int = 600
    """A budget, not a bound: tiny label sets give no signal to stop by."""
    batch_images: int = 32
    """Where there are fewer images, all of them."""
    learning_rate: float = 1e-3
    seed: int = 0
    weight_decay: float = 1e-4
    warm_up: float = 0.1
    average: float = 0.99
    """The weights that are kept are a moving average; so much of it stays at a step."""
    focus_positive: float = 0.0
    """The asymmetric loss's exponent for positives: the higher, the less easy ones count."""
    focus_negative: float = 0.0
    """The same for negatives."""
    negative_margin: float = 0.0
    """Negatives below this probability count nothing."""
    largest_positive_weight: float = 1.0
    """Positives count as often as negatives outnumber them, at most this often; 1 leaves them alike."""
    augmentation: Augmentation = Augmentation(smallest_crop=0.6, aspect=4 / 3, gain=0.1, offset=0.1, grey=0.0)

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                told = f"at least {least:g}" if most == inf else f"{least:g} to {most:g}"
                raise ValueError(f"{name} is {value}: give {told}")


_BOUNDS = {
    "steps": (0, inf),
    "batch_images": (1, inf),
    "learning_rate": (0, inf),
    "weight_decay": (0, inf),
    "warm_up": (0, 1),
    "average": (0, 1),
    "focus_positive": (0, inf),
    "focus_negative": (0, inf),
    "negative_margin": (0, 1),
    "largest_positive_weight": (1, inf),
}
