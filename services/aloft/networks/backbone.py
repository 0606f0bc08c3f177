"""Networks by name, with initial weights that a seed decides."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from torch import nn

from aloft.networks.tiny import Tiny

TINY = "tiny"

_SEEDING = threading.Lock()
"""Initial weights are drawn from torch's one generator: whoever else draws meanwhile would change them."""


class UnknownArchitecture(ValueError):
    """No network has this name."""

    def __init__(self, name: str) -> None:
        import timm

        near = timm.list_models(f"*{name}*")[:5] or timm.list_models(f"{name[:4]}*")[:5]
        hint = f"; near it are {', '.join(near)}" if near else ""
        super().__init__(f"no architecture {name!r}: give a timm name, such as resnet18, or {TINY}{hint}")


class ImagesDoNotFit(ValueError):
    """A network does not take images of a size; the message says which network, which size and why."""

    def __init__(self, architecture: str, height: int, width: int, why: str) -> None:
        super().__init__(f"{architecture} takes no images of {height} × {width}: {why}")


STAGES = 4
"""How many stages of a network are looked at: its last ones, or all where it has fewer."""


class StagesUnknown(ValueError):
    """A network does not say what its stages are."""

    def __init__(self, architecture: str) -> None:
        super().__init__(
            f"the architecture {architecture!r} does not say what its stages are, from which losses are"
            " foretold: take another, such as resnet18, or another strategy than mll"
        )


class Backbone(nn.Module):
    """A network without a head: images in, one feature vector each out."""

    def __init__(self, architecture: str, bands: int, network: nn.Module) -> None:
        super().__init__()
        self.architecture = architecture
        self.bands = bands
        self.network = network
        # What comes out behind a layer of the head that stays, where there is one.
        size = getattr(network, "head_hidden_size", None) or cast(Any, network).num_features
        self.feature_size = int(size)

    @property
    def classifier(self) -> tuple[str, ...]:
        """Where whole networks of this architecture keep the head that this one lacks."""
        named = getattr(self.network, "pretrained_cfg", {}).get("classifier", ())
        return (named,) if isinstance(named, str) else tuple(named or ())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Make the features of a batch of bands × height × width."""
        return cast(torch.Tensor, self.network(images))

    @property
    def stage_sizes(self) -> tuple[int, ...]:
        """How many values each stage has; `StagesUnknown` where the network does not say."""
        network = cast(Any, self.network)
        if not (hasattr(network, "forward_intermediates") and getattr(network, "feature_info", None)):
            raise StagesUnknown(self.architecture)
        return tuple(int(stage["num_chs"]) for stage in network.feature_info[-STAGES:])

    def staged(self, images: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Make the same features, and of each stage the mean over the image."""
        network = cast(Any, self.network)
        last, stages = network.forward_intermediates(images, indices=len(self.stage_sizes))
        features: torch.Tensor = network.forward_head(last)
        return features, tuple(stage.mean(dim=(2, 3)) for stage in stages)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw the initial weights of what is made inside from a seed, and leave everybody else's draws alone."""
    with _SEEDING, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def build(architecture: str, bands: int = 3, seed: int = 0) -> Backbone:
    """Make a network with initial weights drawn from the seed: the same ones every time, on the CPU."""
    make = (lambda: Tiny(bands)) if architecture == TINY else _of_timm(architecture, bands)
    with seeded(seed):
        return Backbone(architecture, bands, _drawing_nothing(make())).eval()


def try_out(backbone: Backbone, height: int, width: int) -> None:
    """Show it an empty image, or raise `ImagesDoNotFit`: many networks take images of some sizes alone."""
    images = torch.zeros(1, backbone.bands, height, width)
    try:
        with torch.inference_mode():
            features = backbone(images)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ImagesDoNotFit(backbone.architecture, height, width, str(error)) from error
    if features.shape != (1, backbone.feature_size) or not features.isfinite().all():
        told = f"features of {tuple(features.shape)}, not (1, {backbone.feature_size}) of finite numbers"
        raise ImagesDoNotFit(backbone.architecture, height, width, told)


def _drawing_nothing(network: nn.Module) -> nn.Module:
    """Take out what is left out by chance: a run that is taken up again has to come to the same."""
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        elif hasattr(module, "drop_prob"):
            cast(Any, module).drop_prob = 0.0
    return network


def _of_timm(architecture: str, bands: int) -> Callable[[], nn.Module]:
    # Loaded where it is needed: it brings torch's compiler along, which takes longer than torch itself.
    import timm

    # Cheap, and timm would take a name with a colon or a path for something to download.
    if not timm.is_model(architecture):
        raise UnknownArchitecture(architecture)
    return partial(timm.create_model, architecture, pretrained=False, num_classes=0, in_chans=bands)
