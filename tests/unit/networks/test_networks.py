import numpy as np
import pytest
import safetensors.torch
import torch

from aloft.networks import (
    FeatureExtractor,
    ImagesDoNotFit,
    NoSuchDevice,
    UnknownArchitecture,
    WeightsDoNotFit,
    backbone_digest,
    build,
    choose_device,
    load_weights,
    precision,
    save_weights,
    training_precision,
    try_out,
)

CPU = torch.device("cpu")
ARCHITECTURES = ["tiny", "resnet18"]


def images(count: int, bands: int = 3) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(3).normal(size=(count, 32, 32, bands)).astype(np.float32)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_seed_decides_the_initial_weights(architecture: str) -> None:
    first, same, other = (save_weights(build(architecture, seed=seed)) for seed in (1, 1, 2))
    assert first == same, "the same seed gave other weights"
    assert first != other, "another seed gave the same weights"


def test_drawing_weights_leaves_the_rest_of_the_program_its_random_numbers() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    build("tiny", seed=9)
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_survive_being_saved(architecture: str) -> None:
    backbone = build(architecture, seed=1)
    again = load_weights(build(architecture, seed=2), save_weights(backbone))
    assert save_weights(again) == save_weights(backbone)
    assert backbone_digest(again) == backbone_digest(backbone)


def test_the_digest_tells_backbones_apart_by_any_weight() -> None:
    backbone = build("tiny", seed=1)
    before = backbone_digest(backbone)
    with torch.no_grad():
        next(backbone.parameters()).view(-1)[0] += 1e-6
    assert backbone_digest(backbone) != before


def test_the_digest_is_blind_to_how_often_a_normalisation_was_trained() -> None:
    backbone = build("resnet18")
    before = backbone_digest(backbone)
    backbone.network.get_buffer("bn1.num_batches_tracked").fill_(17)
    assert backbone_digest(backbone) == before


@pytest.mark.parametrize(
    ("architecture", "size", "bands"), [("tiny", 32, 3), ("tiny", 32, 12), ("resnet18", 512, 4)]
)
def test_features_come_one_row_an_image(architecture: str, size: int, bands: int) -> None:
    backbone = build(architecture, bands)
    assert backbone.feature_size == size
    features = FeatureExtractor(backbone, CPU)(images(5, bands))
    assert (features.shape, features.dtype.name) == ((5, size), "float32")
    assert np.isfinite(features).all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_images_have_the_same_features_bit_for_bit(architecture: str) -> None:
    first, again = (FeatureExtractor(build(architecture, seed=4), CPU)(images(6)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_features_hardly_depend_on_who_shares_the_batch() -> None:
    extractor = FeatureExtractor(build("resnet18"), CPU)
    together = extractor(images(6))
    apart = np.concatenate([extractor(images(6)[start : start + 2]) for start in (0, 2, 4)])
    np.testing.assert_allclose(together, apart, rtol=1e-4, atol=1e-6)


def test_features_do_not_change_when_more_batches_are_submitted() -> None:
    extractor = FeatureExtractor(build("tiny"), CPU)
    pending = [extractor.submit(images(6)[start : start + 2]) for start in (0, 2, 4)]
    np.testing.assert_allclose(
        np.concatenate([each.result() for each in pending]), extractor(images(6)), rtol=1e-5, atol=1e-7
    )


def test_an_unknown_architecture_is_told_with_near_ones() -> None:
    with pytest.raises(UnknownArchitecture, match=r"no architecture 'resnet1'.*resnet18"):
        build("resnet1")


@pytest.mark.parametrize("name", ["hf-hub:someone/model", "local-dir:/etc", "../resnet18", ""])
def test_a_name_never_makes_the_library_fetch_something(name: str) -> None:
    with pytest.raises(UnknownArchitecture):
        build(name)


def test_a_checkpoint_that_does_not_fit_names_what_is_wrong() -> None:
    weights = safetensors.torch.load(save_weights(build("tiny")))
    weights["stem.weight"] = weights["stem.weight"][:, :1].contiguous()
    weights["extra"] = weights.pop("last.bias")
    weights["middle.bias"][0] = float("nan")
    with pytest.raises(WeightsDoNotFit) as told:
        load_weights(build("tiny"), safetensors.torch.save(weights))
    for part in (
        "not those of tiny",
        "it lacks last.bias",
        "has not: extra",
        "stem.weight is (8, 1, 3, 3) instead of (8, 3, 3, 3)",
        "middle.bias has values that are not finite",
    ):
        assert part in str(told.value), f"{part!r} is missing in: {told.value}"


def test_a_checkpoint_of_another_architecture_is_told_in_few_words() -> None:
    with pytest.raises(WeightsDoNotFit, match=r"and \d+ more") as told:
        load_weights(build("resnet18"), save_weights(build("tiny")))
    assert len(str(told.value)) < 500


def test_bytes_that_are_no_checkpoint_are_told() -> None:
    with pytest.raises(WeightsDoNotFit, match="not a safetensors file"):
        load_weights(build("tiny"), b"PK\x03\x04 a pickle")


def test_the_classifier_of_a_whole_network_is_passed_over() -> None:
    backbone = build("resnet18", seed=1)
    weights = safetensors.torch.load(save_weights(backbone))
    weights |= {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    loaded = load_weights(build("resnet18", seed=2), safetensors.torch.save(weights))
    assert backbone_digest(loaded) == backbone_digest(backbone)


def test_auto_takes_an_accelerator_only_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize(
    ("able", "side", "wanted"),
    [
        ({"avx512_bf16": True}, 64, torch.bfloat16),
        ({"amx_bf16": True}, 64, torch.bfloat16),
        ({"avx512_bf16": True}, 63, torch.float32),
        ({}, 64, torch.float32),
    ],
)
def test_training_takes_bfloat16_where_the_processor_multiplies_it_and_features_never_do(
    able: dict[str, bool], side: int, wanted: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    layer, batch = torch.nn.Conv2d(1, 1, 1), torch.ones(1, 1, side, 70)
    with training_precision(batch):
        assert layer(batch).dtype == wanted, f"training on {side} px on a processor with {able}"
    with precision(CPU):
        assert layer(batch).dtype == torch.float32, "features that others compare are in single precision"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_training_gradients_are_the_same_bits_twice_on_the_smallest_images_in_bfloat16(
    architecture: str,
) -> None:
    draws = np.random.default_rng(5)
    batch = torch.from_numpy(draws.normal(size=(8, 3, 64, 64)).astype(np.float32))
    first, second = (_gradients(architecture, batch) for _ in range(2))
    assert all(bool(torch.isfinite(each).all()) for each in first), "a gradient is no number"
    assert all(map(torch.equal, first, second)), "the same step gave other gradients"


def _gradients(architecture: str, batch: torch.Tensor) -> list[torch.Tensor]:
    network = build(architecture).train()
    with training_precision(batch):
        features = network(batch)
    features.float().square().mean().backward()
    return [each.grad for each in network.parameters() if each.grad is not None]


@pytest.mark.parametrize("architecture", ["mobilenetv3_small_050", "lcnet_050", "efficientvit_b0"])
def test_the_size_of_features_is_that_of_what_comes_out(architecture: str) -> None:
    try_out(build(architecture), 64, 64)


def test_a_network_that_takes_images_of_one_size_alone_says_so() -> None:
    with pytest.raises(ImagesDoNotFit, match="vit_tiny_patch16_224 takes no images of 16 × 16"):
        try_out(build("vit_tiny_patch16_224"), 16, 16)


def test_nothing_is_drawn_in_a_network_that_is_trained() -> None:
    network = build("swin_tiny_patch4_window7_224").train()
    images = torch.zeros(2, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(network(images), network(images))


def test_a_device_that_there_is_not_is_refused() -> None:
    with pytest.raises(NoSuchDevice, match="'gpu' is no device: give auto, cpu"):
        choose_device("gpu")
