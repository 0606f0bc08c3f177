from collections.abc import Callable

import numpy as np
import pytest
import torch

from aloft.learning import (
    Checkpoints,
    FineTuneRecipe,
    PretrainRecipe,
    Progress,
    TrainingDiverged,
    evaluate,
    features_of,
    fine_tune,
    pretrain,
    solve_head,
)
from aloft.learning.calibration import calibrate
from aloft.networks import Backbone, Head, backbone_digest, build, save_weights
from tests.unit.learning.toys import CPU, Kept, Stopped, Watched, noise, same_weights, stripes

STEPS = 6
IMAGES = noise(20)
TARGETS = (np.random.default_rng(2).random((20, 3)) < 0.4).astype(np.float32)

Train = Callable[[Progress, Checkpoints, float], bytes]


def pretrained(progress: Progress, checkpoints: Checkpoints, every_s: float) -> bytes:
    recipe = PretrainRecipe(steps=STEPS, batch_images=8)
    return save_weights(pretrain(build("tiny"), IMAGES, recipe, CPU, progress, checkpoints, every_s))


def fine_tuned(progress: Progress, checkpoints: Checkpoints, every_s: float) -> bytes:
    recipe = FineTuneRecipe(steps=STEPS, batch_images=8)
    tuned = fine_tune(build("tiny"), IMAGES, TARGETS, recipe, CPU, progress, checkpoints, every_s)
    return save_weights(*tuned)


TRAININGS = pytest.mark.parametrize("train", [pretrained, fine_tuned])


@TRAININGS
def test_the_same_seed_gives_the_same_weights(train: Train) -> None:
    first, second = (train(Watched(), Kept(), 30.0) for _ in range(2))
    assert first == second


@TRAININGS
@pytest.mark.parametrize("killed_after", [1, 4, STEPS])
def test_killed_and_resumed_training_ends_with_the_weights_of_undisturbed(
    train: Train, killed_after: int
) -> None:
    undisturbed = train(Watched(), Kept(), 30.0)
    kept = Kept()
    with pytest.raises(Stopped):
        train(Watched(stop_after=killed_after), kept, 0.0)
    watched = Watched()
    assert train(watched, kept, 0.0) == undisturbed
    assert watched.told[0][0] == killed_after, "it did not go on where it was killed"


@TRAININGS
@pytest.mark.parametrize("damage", ["emptied", "cut short", "one bit"])
def test_a_damaged_checkpoint_makes_training_start_over(
    train: Train, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept()
    undisturbed = train(Watched(), kept, 0.0)
    assert kept.data is not None
    middle = len(kept.data) // 2
    flipped = bytes([kept.data[middle] ^ 1])
    kept.data = {
        "emptied": b"",
        "cut short": kept.data[:middle],
        "one bit": kept.data[:middle] + flipped + kept.data[middle + 1 :],
    }[damage]
    watched = Watched()
    assert train(watched, kept, 30.0) == undisturbed
    assert watched.told[0][0] == 0
    assert "is damaged: training starts over" in caplog.text


def test_a_checkpoint_of_other_data_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    kept, watched = Kept(), Watched()
    fine_tuned(Watched(), kept, 0.0)
    other = TARGETS.copy()
    other[-1, -1] = 1.0 - other[-1, -1]
    recipe = FineTuneRecipe(steps=STEPS, batch_images=8)
    fine_tune(build("tiny"), IMAGES, other, recipe, CPU, watched, kept)
    assert watched.told[0][0] == 0
    assert "other data: training starts over" in caplog.text


@pytest.mark.parametrize(
    "recipe",
    [PretrainRecipe(steps=STEPS + 1, batch_images=8), PretrainRecipe(steps=STEPS, batch_images=8, seed=1)],
)
def test_a_checkpoint_of_another_recipe_is_not_used(recipe: PretrainRecipe) -> None:
    kept, watched = Kept(), Watched()
    pretrained(Watched(), kept, 0.0)
    pretrain(build("tiny"), IMAGES, recipe, CPU, watched, kept)
    assert watched.told[0][0] == 0


@TRAININGS
def test_progress_that_raises_ends_training_at_once(train: Train) -> None:
    watched = Watched(stop_after=2)
    with pytest.raises(Stopped):
        train(watched, Kept(), 30.0)
    assert [done for done, _, _ in watched.told] == [0, 1, 2]


@TRAININGS
def test_checkpoints_are_as_rare_as_they_are_asked_to_be(train: Train) -> None:
    seldom, often = Kept(), Kept()
    train(Watched(), seldom, 3600.0)
    train(Watched(), often, 0.0)
    assert (seldom.saved, often.saved) == (0, STEPS)


def test_training_that_diverges_says_where() -> None:
    recipe = FineTuneRecipe(steps=STEPS, batch_images=8, learning_rate=1e30)
    with pytest.raises(TrainingDiverged, match=r"fine-tuning was not finite at step 1, .* 1e\+30") as raised:
        fine_tune(build("tiny"), IMAGES, TARGETS, recipe, CPU, Watched(), Kept())
    assert raised.value.step == 1


def test_a_checkpoint_is_never_of_diverged_weights() -> None:
    kept = Kept()
    recipe = FineTuneRecipe(steps=STEPS, batch_images=8, learning_rate=1e30)
    with pytest.raises(TrainingDiverged):
        fine_tune(build("tiny"), IMAGES, TARGETS, recipe, CPU, Watched(), kept, 0.0)
    assert kept.saved == 1, "the step that diverged was kept"


@pytest.mark.parametrize("learn", ["pretrain", "fine_tune"])
def test_the_given_backbone_stays_as_it_is(learn: str) -> None:
    backbone = build("tiny")
    before = backbone_digest(backbone)
    if learn == "pretrain":
        learned = pretrain(backbone, IMAGES, PretrainRecipe(steps=2), CPU, Watched(), Kept())
    else:
        learned, _ = fine_tune(backbone, IMAGES, TARGETS, FineTuneRecipe(steps=2), CPU, Watched(), Kept())
    assert backbone_digest(backbone) == before
    assert backbone_digest(learned) != before
    assert not learned.training
    assert all(each.requires_grad for each in learned.parameters()), "it could not be trained again"


def test_images_may_be_mapped_from_a_file_in_half_precision(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(path, IMAGES.astype(np.float16))
    mapped = np.load(path, mmap_mode="r")
    in_memory = IMAGES.astype(np.float16).astype(np.float32)
    backbone, recipe = build("tiny"), PretrainRecipe(steps=2, batch_images=8)
    first, second = (
        pretrain(backbone, images, recipe, CPU, Watched(), Kept()) for images in (mapped, in_memory)
    )
    assert same_weights(first, second)
    np.testing.assert_array_equal(
        features_of(backbone, mapped, CPU, 8), features_of(backbone, in_memory, CPU, 8)
    )


@pytest.mark.parametrize("count", [0, 1, 7, 8, 20])
def test_features_are_in_the_images_order_however_many_there_are(count: int) -> None:
    backbone = build("tiny")
    together = features_of(backbone, IMAGES[:count], CPU, 64) if count else np.empty((0, 32))
    np.testing.assert_allclose(features_of(backbone, IMAGES[:count], CPU, 8), together, rtol=1e-4, atol=1e-6)


def solved(backbone: Backbone) -> Head:
    images, targets = stripes(60, seed=5)
    return solve_head(features_of(backbone, images, CPU), targets)


def score(backbone: Backbone, head: Head) -> float:
    """Give the mean average precision on images that were not learned from."""
    images, targets = stripes(300, seed=6)
    logits = head.logits(features_of(backbone, images, CPU))
    found = evaluate(logits, targets, calibrate(logits, targets), ("fine", "square")).map_macro
    assert found is not None
    return found


def test_pre_training_without_labels_tells_apart_what_initial_weights_do_not() -> None:
    backbone = build("tiny")
    before = score(backbone, solved(backbone))
    recipe = PretrainRecipe(steps=60, batch_images=64, learning_rate=3e-3)
    learned = pretrain(backbone, stripes(400, seed=1)[0], recipe, CPU, Watched(), Kept())
    after = score(learned, solved(learned))
    assert before < 0.85
    assert after > 0.95, f"the score went from {before:.3f} to {after:.3f} only"


def test_fine_tuning_goes_on_from_the_solved_head() -> None:
    backbone = build("tiny")
    before = score(backbone, solved(backbone))
    images, targets = stripes(60, seed=5)
    start, tuned = (
        fine_tune(
            backbone, images, targets, FineTuneRecipe(steps, learning_rate=3e-3), CPU, Watched(), Kept()
        )
        for steps in (0, 60)
    )
    assert score(*start) == pytest.approx(before, abs=1e-3), "it does not start from the solved head"
    assert score(*tuned) > 0.95


@pytest.mark.parametrize(("images", "kept"), [(8, True), (20, False)])
def test_few_images_leave_batch_normalisation_the_statistics_of_pre_training(images: int, kept: bool) -> None:
    backbone, recipe = build("test_resnet"), FineTuneRecipe(steps=1)
    tuned, _ = fine_tune(backbone, IMAGES[:images], TARGETS[:images], recipe, CPU, Watched(), Kept())
    before, after = (dict(each.network.named_buffers()) for each in (backbone, tuned))
    assert all(torch.equal(after[name], values) for name, values in before.items()) == kept


def test_what_batch_normalisation_has_seen_is_resumed_too() -> None:
    def tune(progress: Watched, kept: Kept, every_s: float) -> bytes:
        recipe = FineTuneRecipe(steps=3)
        return save_weights(
            *fine_tune(build("test_resnet"), IMAGES, TARGETS, recipe, CPU, progress, kept, every_s)
        )

    kept = Kept()
    with pytest.raises(Stopped):
        tune(Watched(stop_after=2), kept, 0.0)
    assert tune(Watched(), kept, 0.0) == tune(Watched(), Kept(), 30.0)


def test_pre_training_leaves_statistics_of_images_as_they_are() -> None:
    recipe = PretrainRecipe(steps=1, batch_images=20)
    learned = pretrain(build("test_resnet"), 3.0 + IMAGES, recipe, CPU, Watched(), Kept())
    layer = next(each for each in learned.modules() if isinstance(each, torch.nn.BatchNorm2d))
    seen: list[torch.Tensor] = []
    layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    features_of(learned, 3.0 + IMAGES, CPU)
    assert layer.running_mean is not None
    torch.testing.assert_close(layer.running_mean, seen[0].mean(dim=(0, 2, 3)), rtol=1e-3, atol=1e-4)
