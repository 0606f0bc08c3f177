"""What acquisition reads of a pool under a version with a head, and what it does where that is damaged."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from aloft.kit.database import Database, migrate
from aloft.kit.jobs import State
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.port import ByteRange
from tests.contract.databases import place
from tests.integration.acquisition.world import CAMPAIGN, World, image

LABELS = ("water", "road", "tree")


class Watched(DirectoryObjects):
    """Remembers what was read: whole objects, and how many ranges of others."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.whole: list[str] = []
        self.parts: list[tuple[str, int]] = []
        """Objects and how many rows of features; the heads of shards, which name what is in them, apart."""

    def get(self, key: str) -> bytes:
        self.whole.append(key)
        return super().get(key)

    def ranges(self, key: str, ranges: Sequence[ByteRange], *, gap: int = 1 << 18) -> list[bytes]:
        rows = [each for each in ranges if each.length == 4]
        self.parts.append((key, len(rows)))
        return super().ranges(key, ranges, gap=gap)

    def forget(self) -> None:
        """Begin anew, after what the test itself has read."""
        self.whole.clear()
        self.parts.clear()

    def features_read(self) -> list[str]:
        """Name the feature shards of which any features were read."""
        return [
            key for key in [*self.whole, *(key for key, rows in self.parts if rows)] if "/features/" in key
        ]

    def spoil(self, folder: str, at: int) -> str:
        """Change a byte of the first shard in a folder, counted from its end; say its key."""
        key = next(info.key for info in self.list(f"campaigns/{CAMPAIGN}/{folder}") if "part-" in info.key)
        data = bytearray(super().get(key))
        data[at] ^= 0x7F
        self.put(key, bytes(data))
        return key


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with place(tmp_path) as made:
        database = made.open()
        migrate(database, "aloft.acquisition")
        yield database


@pytest.fixture
def objects(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "objects")


@pytest.fixture
def world(database: Database, objects: Watched, tmp_path: Path) -> World:
    return World(database, tmp_path, objects)


def test_under_a_base_version_it_starts_by_coverage_and_says_so(world: World) -> None:
    world.campaign(strategy="mge+kmeans")
    world.publish(base=True)
    world.embed(range(8))
    world.work()
    assert world.rankings()[0].strategy == world.selected()[0].strategy == "centroids"
    assert world.picks(1).strategy == "centroids"
    assert "centre of cluster" in world.picks(1).selected_images[0].why


def test_under_a_version_with_a_head_the_least_certain_come_first(world: World) -> None:
    world.campaign(strategy="mge+kmeans", size=1)
    world.publish()
    # Features of one length, so that logits alone decide; the lower the number, the less certain.
    same = dict.fromkeys(range(8), (3.0, 4.0))
    world.embed([5, 2, 7, 0, 3, 6, 1, 4], labels=LABELS, values=same)
    world.work()
    (batch,) = world.selected()
    assert (batch.strategy, [each.image for each in batch.images]) == ("mge+kmeans", [image(0)])
    a = np.exp(-1) / (1 + np.exp(-1))
    assert batch.images[0].score == pytest.approx(np.sqrt(3) * a * np.sqrt(26), rel=1e-6)
    assert batch.images[0].why.endswith("number 1 of 8 by score.")


def test_ranking_reads_no_features_and_selecting_only_those_of_candidates(
    world: World, objects: Watched
) -> None:
    world.campaign(strategy="mge+kmeans", size=1)
    world.publish()
    said = world.embedded(range(30), rows=10, labels=LABELS)
    objects.forget()
    world.say(said)
    world.work()
    assert not [key for key in objects.whole if "/features/" in key], "a feature shard was read whole"
    assert sum(count for _, count in objects.parts) == 4, "h · b = 4 candidates"
    assert all(count for _, count in objects.parts), (
        "where candidates lie was read, though ranking had seen it"
    )
    logits = [key for key in objects.whole if "part-" in key]
    assert len(logits) <= 4, "each logit shard is read once to rank, and again that of the one picked image"


def test_a_batch_from_an_older_ranking_finds_its_candidates_again(world: World, objects: Watched) -> None:
    world.campaign(strategy="mge+kmeans")
    world.publish()
    world.embed(range(30), rows=10, labels=LABELS)
    world.work()
    world.label_and_close(1)
    objects.forget()
    world.work()
    assert not set(world.batch(1)) & set(world.batch(2))
    assert sum(count for _, count in objects.parts) == 8


def test_the_random_arm_reads_no_features_at_all(world: World, objects: Watched) -> None:
    world.campaign(strategy="random")
    world.publish()
    said = world.embedded(range(30), labels=LABELS)
    objects.forget()
    world.say(said)
    world.work()
    world.label_and_close(1)
    world.work()
    assert [batch.strategy for batch in world.selected()] == ["random", "random"]
    assert not objects.features_read()


def test_the_same_batches_however_the_shards_are_cut(tmp_path: Path) -> None:
    said = []
    for name, rows, order in (("one", 3, range(20)), ("other", 7, reversed(range(20)))):
        with place(tmp_path) as made:
            database = made.open()
            migrate(database, "aloft.acquisition")
            world = World(database, tmp_path / name)
            world.campaign(strategy="mge+kmeans", size=3)
            world.publish()
            world.embed(list(order), rows=rows, labels=LABELS)
            world.work()
            world.label_and_close(1)
            world.work()
            said.append([(batch.seed, list(batch.images)) for batch in world.selected()])
    assert said[0] == said[1]


def test_an_image_of_which_the_network_said_nothing_usable_is_left_out_and_counted(world: World) -> None:
    world.campaign(strategy="mge+kmeans", size=8)
    world.publish()
    world.embed(range(8), labels=LABELS, values={3: (np.nan, 1.0), 5: (np.inf, 0.0)})
    world.work()
    (ranking,) = world.rankings()
    assert (ranking.images, ranking.left_out_images) == (6, 2)
    assert not {image(3), image(5)} & set(world.batch(1))
    assert "2 have no finite score or features" in world.why()["BATCH_OUT"].waits_for


def failing(world: World) -> str:
    """Say why the only job that did not succeed failed last."""
    with world.database.read() as tx:
        (job,) = world.jobs.list(tx, campaign=world.id, states=(State.QUEUED,))
    assert job.error is not None
    return job.error


def test_a_shard_that_is_damaged_fails_the_job_and_nothing_else(
    world: World, objects: Watched, tmp_path: Path
) -> None:
    world.campaign(strategy="mge+kmeans")
    world.publish()
    said = world.embedded(range(8), labels=LABELS)
    key = objects.spoil("logits/1/", -200)
    world.say(said)
    other = World(world.database, tmp_path, objects, "other")
    other.campaign(strategy="mge+kmeans")
    other.publish()
    other.embed(range(8), labels=LABELS)
    world.work()
    assert len(other.selected()) == 1, "another campaign was held up"
    assert not world.selected()
    assert failing(world).startswith(f"ShardDamaged: object '{key}': its SHA-256 is ")
    assert f"object '{key}'" in world.why()["JOB_FAILING"].waits_for
    objects.spoil("logits/1/", -200)
    world.database.advance(600)
    world.work()
    assert len(world.selected()) == 1


def test_features_that_are_not_as_they_were_written_are_found_out_row_by_row(
    world: World, objects: Watched
) -> None:
    world.campaign(strategy="mge+kmeans")
    world.publish()
    said = world.embedded([5, 6], labels=LABELS)
    key = objects.spoil("features/b1/", _last_feature(objects))
    world.say(said)
    world.work()
    assert not world.selected()
    assert failing(world).startswith(f"ShardDamaged: object '{key}': row 1 is ")
    objects.spoil("features/b1/", _last_feature(objects))
    world.database.advance(600)
    world.work()
    assert set(world.batch(1)) == {image(5), image(6)}


def _last_feature(objects: Watched) -> int:
    """Say where the high byte of the last number is that image 6 has for features: 6 / 2."""
    key = next(info.key for info in objects.list(f"campaigns/{CAMPAIGN}/features/b1/") if "part-" in info.key)
    data = objects.get(key)
    row = np.array([6 % 7, 6 * 0.5], dtype=np.float16).tobytes()
    spoiled = row[:-1] + bytes([row[-1] ^ 0x7F])
    return max(data.rfind(row), data.rfind(spoiled)) + len(row) - 1
