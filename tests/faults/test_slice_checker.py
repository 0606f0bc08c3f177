"""The checker of the slice sees what it is there to see: each rule broken by hand after a good run."""

import shutil
import sqlite3
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from aloft.kit.objects.directory import DirectoryObjects
from tests.faults.slice_cases import scratch, templates
from tests.slice.checker import CHECKS
from tests.slice.story import Story
from tests.slice.world import world

BROKEN = {
    "acknowledged_annotations_are_kept": ("label_store", "UPDATE annotations SET verdicts = '{}'"),
    "overlap_is_never_exceeded": (
        "label_store",
        "UPDATE annotations SET image = (SELECT min(image) FROM annotations)",
    ),
    "an_expired_lease_changes_nothing": (
        "label_store",
        "INSERT INTO expired_leases (campaign, task, lease, vendor)"
        " SELECT campaign, task, lease, vendor FROM annotations LIMIT 1",
    ),
    "revisions_have_no_gap_and_arrive_in_order": (
        "label_store",
        "UPDATE campaigns SET label_revision = label_revision + 1",
    ),
    "every_event_is_published_in_order": (
        "bus",
        "DELETE FROM messages WHERE topic = 'aloft.batch.selected.v1' AND at = 0",
    ),
    "every_event_is_handled": (
        "acquisition",
        "DELETE FROM inbox WHERE topic = 'aloft.batch.closed.v1'",
    ),
    "both_sides_agree_on_images": ("acquisition", "UPDATE images SET batch = NULL, label_set_version = 0"),
    "batches_are_numbered_and_one_is_open": ("label_store", "UPDATE batches SET close_reason = ''"),
    "every_accepted_image_has_one_end": (
        "label_store",
        "UPDATE batch_images SET outcome = 'labelled' WHERE batch = (SELECT max(number) FROM batches)",
    ),
    "the_ranking_covers_the_pool": ("acquisition", "UPDATE rankings SET generation = generation - 1"),
    "what_cannot_be_used_is_known_everywhere": (
        "embedding",
        "UPDATE images SET quarantined = 'UNREADABLE' WHERE id = (SELECT min(id) FROM images)",
    ),
    "a_run_ends_with_its_one_version": ("trainer", "DELETE FROM models"),
    "every_batch_was_learned_from": (
        "bus",
        "UPDATE messages SET key = 'elsewhere' WHERE topic = 'aloft.model.published.v1' AND at = 1",
    ),
    "labels_are_what_the_bytes_say": (
        "label_store",
        'UPDATE images SET verdicts = \'{"water": 1, "ship": 2}\' WHERE label_set_version > 0',
    ),
}
"""For each check, the file and the statement that breaks what it looks at."""

IN_THE_STORE = {
    "artefacts_are_what_was_published": "campaigns/coast/models/*/weights*",
    "checkpoints_are_gone": "campaigns/coast/models/2/checkpoints/1-1",
}
"""For each check of objects, what is overwritten, or put there, to break it."""


@pytest.fixture(scope="module")
def told() -> Iterator[Story]:
    """Tell the story once; it leaves everything as it must be."""
    with scratch() as folder, world(folder / "world", templates(folder / "template")) as undisturbed:
        story = Story(undisturbed)
        story.tell()
        story.check()
        yield story


@pytest.fixture
def story(told: Story) -> Iterator[Story]:
    """Give a copy of what the story left behind."""
    kept = told.world.folder
    with scratch() as folder:
        told.world.folder = folder / "copy"
        shutil.copytree(kept, told.world.folder)
        yield told
        told.world.folder = kept


def break_it(folder: Path, file: str, statement: str) -> None:
    connection = sqlite3.connect(folder / f"{file}.db", isolation_level=None)
    try:
        changed = connection.execute(statement).rowcount
    finally:
        connection.close()
    assert changed > 0, "the story left nothing of the kind"


@pytest.mark.parametrize("rule", BROKEN)
def test_the_checker_sees_it_when_a_rule_is_broken(story: Story, rule: str) -> None:
    break_it(story.world.folder, *BROKEN[rule])
    with pytest.raises(AssertionError, match=f"{rule}: "):
        story.check()


@pytest.mark.parametrize("rule", IN_THE_STORE)
def test_the_checker_sees_it_when_an_object_is_not_what_it_must_be(story: Story, rule: str) -> None:
    store = DirectoryObjects(story.world.folder / "objects")
    pattern = IN_THE_STORE[rule]
    found = [info.key for info in store.list() if fnmatch(info.key, pattern)]
    for key in found or [pattern]:
        store.put(key, b"something else")
    with pytest.raises(AssertionError, match=f"{rule}: "):
        story.check()


def test_every_rule_of_the_checker_is_broken_once() -> None:
    # The pool that Aloft may not touch is compared by the end-to-end tests, which own it.
    unbroken = {check.__name__ for check in CHECKS} - set(BROKEN) - set(IN_THE_STORE)
    assert unbroken == {"the_pool_is_untouched"}
