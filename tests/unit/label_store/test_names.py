"""Ids and resource names, alike in every service."""

import pytest

from aloft.kit import ids, names
from aloft.kit.errors import InvalidArgument


def test_an_image_is_named_by_a_hash_of_its_key() -> None:
    assert ids.image_id("forest/1.tif") == "f872069d57759d370c3d1e73469fe709"
    assert ids.is_image_id(ids.image_id("forest/1.tif"))
    assert ids.image_id("a") != ids.image_id("b")


@pytest.mark.parametrize("text", ["a", "a-b", "campaign-1", "x" * 63])
def test_a_slug_is_an_id_that_a_person_may_choose(text: str) -> None:
    assert ids.is_slug(text)


@pytest.mark.parametrize("text", ["", "A", "1a", "a_b", "a-", "-a", "x" * 64, "a\n", "ä"])
def test_what_would_break_a_name_is_no_slug(text: str) -> None:
    assert not ids.is_slug(text)


def test_a_name_is_made_and_taken_apart() -> None:
    name = names.TASK.format("c", "1-0f")
    assert name == "campaigns/c/tasks/1-0f"
    assert names.TASK.parse(name) == ("c", "1-0f")
    assert names.BATCH.parse_numbered("campaigns/c/batches/12") == ("c", 12)


@pytest.mark.parametrize(
    "name", ["", "c", "campaigns/", "campaigns/c/", "campaigns/c/images/1", "x/campaigns/c"]
)
def test_a_wrong_name_is_refused_with_the_field_and_the_pattern(name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"campaigns/\{campaign\}") as refused:
        names.CAMPAIGN.parse(name, "parent")
    assert refused.value.violations[0].field == "parent"


def test_a_batch_is_a_number() -> None:
    with pytest.raises(InvalidArgument, match="is a number"):
        names.BATCH.parse_numbered("campaigns/c/batches/last")
