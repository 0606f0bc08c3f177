"""The image specification of a campaign."""

from dataclasses import dataclass

MEAN = 0.5
STD = 0.25


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """Size, bands and normalisation. Every image is resized to it.

    `mean` and `std` speak of values in [0, 1].
    """

    height: int = 64
    width: int = 64
    bands: int = 3
    mean: tuple[float, ...] = ()
    """Of each band; 0.5 where nothing is said."""
    std: tuple[float, ...] = ()
    """Of each band; 0.25 where nothing is said."""

    def __post_init__(self) -> None:
        for name in ("height", "width", "bands"):
            if getattr(self, name) < 1:
                raise ValueError(f"image_spec.{name} must be at least 1, not {getattr(self, name)}")
        object.__setattr__(self, "mean", self._of_each_band("mean", MEAN))
        object.__setattr__(self, "std", self._of_each_band("std", STD))
        if min(self.std) <= 0:
            raise ValueError(f"image_spec.std must be above 0 in each band, not {self.std}")

    def _of_each_band(self, name: str, default: float) -> tuple[float, ...]:
        values = tuple(float(value) for value in getattr(self, name)) or (default,) * self.bands
        if len(values) != self.bands:
            raise ValueError(f"image_spec.{name} has {len(values)} values for {self.bands} bands")
        return values
