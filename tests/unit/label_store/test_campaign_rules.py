"""What a campaign may be."""

import pytest
from google.protobuf.duration_pb2 import Duration

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.errors import InvalidArgument
from aloft.label_store.domain import budgets
from aloft.label_store.domain import campaigns as rules
from aloft.label_store.domain.budgets import InFlight, Spending


def campaign(**fields: object) -> pb.Campaign:
    """Make a campaign of two labels."""
    taxonomy = pb.Taxonomy(labels=[pb.Label(id="water"), pb.Label(id="forest")])
    return pb.Campaign(**{"taxonomy": taxonomy, **fields})  # type: ignore[arg-type]


def violated(asked: pb.Campaign, campaign_id: str = "c") -> set[str]:
    """Name the fields that are wrong."""
    with pytest.raises(InvalidArgument) as refused:
        rules.check(campaign_id, rules.completed(asked))
    return {violation.field for violation in refused.value.violations}


def test_what_is_left_open_gets_its_default() -> None:
    completed = rules.completed(campaign(image_spec=pb.ImageSpec(bands=4)))
    rules.check("c", completed)
    assert list(completed.image_spec.std) == [0.25] * 4
    assert completed.batch_policy.close_fraction == 1.0
    assert completed.overlap == 1


def test_what_only_the_label_store_says_is_not_taken_from_a_client() -> None:
    completed = rules.completed(campaign(version=9, state_reason="MINE", name="campaigns/other"))
    assert (completed.version, completed.state_reason, completed.name) == (0, "", "")


def test_every_violation_is_named_at_once() -> None:
    wrong = pb.Campaign(
        taxonomy=pb.Taxonomy(labels=[pb.Label(id="a"), pb.Label(id="a"), pb.Label(id="Not A Slug")]),
        image_spec=pb.ImageSpec(height=-1, bands=3, mean=[0.1], std=[0.5, 0.0, 0.5]),
        strategy=pb.Strategy(expression="centroid"),
        batch_policy=pb.BatchPolicy(size=-2, close_fraction=1.5, close_after=Duration(seconds=-1)),
        budget=pb.Budget(images=-1, annotations=-1),
        overlap=10,
        base_model=pb.BaseModel(architecture="Res Net", checkpoint_key=" "),
    )
    assert violated(wrong, "Not A Slug") == {
        "campaign_id",
        "campaign.taxonomy.labels[1].id",
        "campaign.taxonomy.labels[2].id",
        "campaign.image_spec.height",
        "campaign.image_spec.mean",
        "campaign.image_spec.std",
        "campaign.strategy.expression",
        "campaign.batch_policy.size",
        "campaign.batch_policy.close_fraction",
        "campaign.batch_policy.close_after",
        "campaign.budget.images",
        "campaign.budget.annotations",
        "campaign.overlap",
        "campaign.base_model.architecture",
        "campaign.base_model.checkpoint_key",
    }


def test_a_campaign_needs_labels() -> None:
    assert violated(pb.Campaign()) == {"campaign.taxonomy.labels"}


def test_guidelines_that_fit_into_no_event_are_refused() -> None:
    label = pb.Label(id="water", guideline="wet " * 200_000)
    assert violated(pb.Campaign(taxonomy=pb.Taxonomy(labels=[label]))) == {"campaign.taxonomy"}


def test_a_number_that_is_none_is_refused() -> None:
    spec = pb.ImageSpec(mean=[float("nan")] * 3, std=[float("nan")] * 3)
    policy = pb.BatchPolicy(close_fraction=float("nan"))
    fields = violated(campaign(image_spec=spec, batch_policy=policy))
    assert fields == {
        "campaign.image_spec.mean",
        "campaign.image_spec.std",
        "campaign.batch_policy.close_fraction",
    }


def test_the_smaller_budget_decides_and_what_is_out_counts() -> None:
    budget, out = pb.Budget(images=10, annotations=8), InFlight(2, 2)
    assert budgets.room(budget, Spending(3, 3), out, overlap=1) == 3
    assert budgets.room(budget, Spending(8, 8), out, overlap=1) == 0
    assert budgets.room(pb.Budget(), Spending(8, 8), out, overlap=1) is None


def test_an_image_is_sent_out_only_if_the_budget_pays_for_all_its_annotations() -> None:
    budget = pb.Budget(annotations=11)
    assert budgets.room(budget, Spending(1, 3), InFlight(1, 2), overlap=3) == 2
    assert budgets.room(budget, Spending(3, 9), InFlight(), overlap=3) == 0
    assert budgets.stop_reason(budget, Spending(2, 9), InFlight(1, 1), 3) == "", "one is still to come"
    assert budgets.stop_reason(budget, Spending(3, 9), InFlight(), 3) == "BUDGET_ANNOTATIONS"


@pytest.mark.parametrize(
    ("spent", "reason"),
    [(Spending(9, 7), ""), (Spending(10, 7), "BUDGET_IMAGES"), (Spending(4, 8), "BUDGET_ANNOTATIONS")],
)
def test_the_rule_that_stops_a_campaign_is_named(spent: Spending, reason: str) -> None:
    assert budgets.stop_reason(pb.Budget(images=10, annotations=8), spent, InFlight(), 1) == reason


def test_how_versions_are_made_gets_its_defaults() -> None:
    base = pb.BaseModel(pretraining=pb.Pretraining(seed=4))
    completed = rules.completed(campaign(base_model=base, held_out=pb.HeldOut(imported=True)))
    rules.check("c", completed)
    assert completed.strategy.expression == "auto"
    training, pretraining = completed.training, completed.base_model.pretraining
    assert (training.mode, training.steps, training.batch_images) == (pb.Training.MODE_FULL, 600, 32)
    assert training.learning_rate == 0.001
    assert (pretraining.method, pretraining.steps, pretraining.batch_images) == ("simclr", 2000, 256)
    assert (pretraining.learning_rate, pretraining.seed) == (0.001, 4)
    assert not completed.HasField("gate")
    assert not completed.HasField("stop_rules")


def test_a_plateau_that_says_nothing_is_of_three_versions() -> None:
    asked = campaign(
        stop_rules=pb.StopRules(plateau=pb.StopRules.Plateau()), held_out=pb.HeldOut(imported=True)
    )
    plateau = rules.completed(asked).stop_rules.plateau
    assert (plateau.versions, plateau.min_gain) == (3, 0.005)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"gate": pb.Gate(minimum=0)}, "campaign.gate"),
        ({"stop_rules": pb.StopRules(target_score=0.9)}, "campaign.stop_rules.target_score"),
        ({"stop_rules": pb.StopRules(plateau=pb.StopRules.Plateau())}, "campaign.stop_rules.plateau"),
    ],
)
def test_who_judges_versions_needs_images_to_judge_them_by(asked: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidArgument, match=r"held_out\.evaluation_images") as refused:
        rules.check("c", rules.completed(campaign(**asked)))
    assert [violation.field for violation in refused.value.violations] == [field]
    for held_out in (pb.HeldOut(imported=True), pb.HeldOut(evaluation_images=2)):
        rules.check("c", rules.completed(campaign(**asked, held_out=held_out)))


def test_a_gate_that_asks_for_nothing_is_none() -> None:
    rules.check("c", rules.completed(campaign(gate=pb.Gate())))


def test_every_violation_of_how_versions_are_made_is_named() -> None:
    nan = float("nan")
    wrong = campaign(
        training=pb.Training(mode=7, steps=-1, batch_images=-1, learning_rate=nan),  # type: ignore[arg-type]
        gate=pb.Gate(minimum=1.5, max_drop=nan),
        stop_rules=pb.StopRules(target_score=-0.1, plateau=pb.StopRules.Plateau(versions=-1, min_gain=-0.1)),
        held_out=pb.HeldOut(evaluation_images=1),
        base_model=pb.BaseModel(
            pretraining=pb.Pretraining(method="moco", steps=-1, batch_images=1, learning_rate=2)
        ),
    )
    learning = {
        *(f"training.{name}" for name in ("mode", "steps", "batch_images", "learning_rate")),
        *(f"base_model.pretraining.{name}" for name in ("method", "steps", "batch_images", "learning_rate")),
        *("gate.minimum", "gate.max_drop", "stop_rules.target_score"),
        *("stop_rules.plateau.versions", "stop_rules.plateau.min_gain", "held_out.evaluation_images"),
    }
    assert violated(wrong) == {f"campaign.{field}" for field in learning}


def test_held_out_images_that_are_not_imported_are_not_held_out() -> None:
    assert violated(campaign(held_out=pb.HeldOut(imported=False))) == {"campaign.held_out.imported"}


def test_a_label_is_not_called_as_a_column_of_manifests_is() -> None:
    taxonomy = pb.Taxonomy(labels=[pb.Label(id="key"), pb.Label(id="road")])
    assert violated(pb.Campaign(taxonomy=taxonomy)) == {"campaign.taxonomy.labels[0].id"}


def test_a_batch_is_open_for_a_minute_at_least() -> None:
    policies = [pb.BatchPolicy(close_after=Duration(seconds=seconds)) for seconds in (60, 59)]
    rules.check("c", rules.completed(campaign(batch_policy=policies[0])))
    assert violated(campaign(batch_policy=policies[1])) == {"campaign.batch_policy.close_after"}


def test_a_batch_is_open_for_ten_years_at_most() -> None:
    day = 24 * 3600
    policies = {
        seconds: campaign(batch_policy=pb.BatchPolicy(close_after=Duration(seconds=seconds)))
        for seconds in (3652 * day, 3660 * day, 2**62)
    }
    rules.check("c", rules.completed(policies.pop(3652 * day)))
    for policy in policies.values():
        assert violated(policy) == {"campaign.batch_policy.close_after"}


@pytest.mark.parametrize("name", ["x" * 201, "har\0bour"])
def test_a_display_name_that_cannot_be_stored_or_announced_is_refused(name: str) -> None:
    assert violated(campaign(display_name=name)) == {"campaign.display_name"}
    rules.check("c", rules.completed(campaign(display_name="x" * 200)))
