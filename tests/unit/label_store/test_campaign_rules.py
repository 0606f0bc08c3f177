"""What a campaign may be."""

import pytest
from google.protobuf.duration_pb2 import Duration

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.errors import InvalidArgument
from aloft.label_store.domain import budgets
from aloft.label_store.domain import campaigns as rules
from aloft.label_store.domain.budgets import Spending


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
        overlap=2,
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
    budget = pb.Budget(images=10, annotations=8)
    assert budgets.room(budget, Spending(3, 3), in_flight=2) == 3
    assert budgets.room(budget, Spending(8, 8), in_flight=2) == 0
    assert budgets.room(pb.Budget(), Spending(8, 8), in_flight=2) is None


@pytest.mark.parametrize(
    ("spent", "reason"),
    [(Spending(9, 7), ""), (Spending(10, 7), "BUDGET_IMAGES"), (Spending(4, 8), "BUDGET_ANNOTATIONS")],
)
def test_the_rule_that_stops_a_campaign_is_named(spent: Spending, reason: str) -> None:
    assert budgets.stop_reason(pb.Budget(images=10, annotations=8), spent) == reason
