"""The bench of re-ranking runs against a given object store, and measures what it says it does."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from minio import Minio as Client
from typer.testing import CliRunner

from aloft.bench import rerank, rerank_memory
from aloft.bench.child import ChildFailed, apart, held_bytes, peak_bytes
from aloft.bench.progress import unheard
from aloft.bench.rerank_pool import BUCKET, Size, lay
from aloft.bench.rerank_shared import SharedFeatures
from aloft.bench.rerank_source import Isotropic, multiplied, source
from aloft.bench.rerank_whole import FilePool, ids_of, select, write
from aloft.cli.main import app
from aloft.kit.objects.directory import DirectoryObjects
from aloft.shards import read_rows, stream, stream_logits
from tests.stack.minio import Minio

SMALL = Size(images=3_000, feature_size=32, labels=5, batch=20, shard_images=512)


def address(minio: Minio) -> str:
    return f"http://{minio.access_key}:{minio.secret_key}@{minio.endpoint}"


def test_it_answers_with_figures_in_units_and_finite_ratios(minio: Minio) -> None:
    told = rerank.run(
        size=SMALL, strategies=["mge+kmeans", "centroids", "kcenter"], at=address(minio), rounds=1
    )
    assert list(told) == ["bench", "machine", "size", "figures", "ratios"]
    assert json.loads(json.dumps(told)) == told
    units = ("_seconds", "_bytes", "_requests")
    assert all(name.endswith(units) for name in told["figures"]), "a figure without its unit"
    assert {"scoring", "candidates", "clustering", "kcenter", "kcenter_memory"} <= set(told["ratios"])
    assert all(math.isfinite(each) and each > 0 for each in told["ratios"].values()), told["ratios"]
    assert told["figures"]["scoring_seconds"] < told["figures"]["rerank_seconds"]
    store = Client(minio.endpoint, minio.access_key, minio.secret_key, secure=False)
    assert not store.bucket_exists(BUCKET), "the pool was left in the store"


def test_memory_is_told_at_each_doubling(minio: Minio) -> None:
    told = rerank_memory.run(size=SMALL, strategies=["random"], at=address(minio))
    assert set(told["figures"]) == {f"random_peak_bytes_at_{count}" for count in (750, 1500, 3000)}
    assert set(told["ratios"]) == {"random_added_features"}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--batch", "50", "--images", "20"], "batch is 50"),
        (["--strategy", "mge+kmean"], "did you mean kmeans"),
        (["--features", "nowhere.npy"], "neither mixture"),
        (["--store", "http://127.0.0.1:1", "--features", "isotropic"], "http://KEY:SECRET@host:port"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_what_to_give_instead(options: list[str], why: str) -> None:
    said = CliRunner().invoke(app, ["bench", "rerank", *options])
    assert said.exit_code == 1
    assert why in " ".join(said.output.split())


def test_a_pool_lies_in_the_store_as_embedding_leaves_it(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    manifest = lay(objects, SMALL, Isotropic(SMALL.feature_size), unheard)
    features, logits = list(stream(objects, manifest)), list(stream_logits(objects, manifest))
    assert sum(map(len, features)) == SMALL.images
    for each, beside in zip(features, logits, strict=True):
        assert each.images.tobytes() == beside.images.tobytes()
        assert each.norms.tobytes() == beside.norms.tobytes()
    assert len(np.unique(np.concatenate([each.images for each in features]))) == SMALL.images


def test_images_past_the_distinct_ones_have_ids_of_their_own_and_features_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aloft.bench.rerank_pool.DISTINCT", 1_000)
    objects = DirectoryObjects(tmp_path)
    manifest = lay(objects, SMALL, Isotropic(SMALL.feature_size), unheard)
    assert manifest.images >= SMALL.images
    ids = np.concatenate([rows.images for rows in stream_logits(objects, manifest)])
    assert len(np.unique(ids)) == manifest.images
    shared = SharedFeatures(objects, manifest, distinct=2)
    beyond = read_rows(shared, manifest, [(2, 5), (3, 7)])
    assert beyond.tobytes() == read_rows(shared, manifest, [(0, 5), (1, 7)]).tobytes()


def test_multiplied_features_are_as_far_from_their_own_as_neighbours_are() -> None:
    base = np.random.default_rng(0).standard_normal((400, 64)).astype(np.float32)
    found = multiplied(base)
    assert found.part(0, 0, 400).tobytes() == base.tobytes(), "the first turn is not as it is"
    away = np.linalg.norm(found.part(1, 400, 400) - base, axis=1)
    apart_by = np.linalg.norm(base[:, None] - base[None], axis=2)
    np.fill_diagonal(apart_by, np.inf)
    assert np.median(away) == pytest.approx(np.median(apart_by.min(axis=1)), rel=0.05)
    assert found.part(1, 400, 50).tobytes() == found.part(1, 400, 50).tobytes()


def test_features_can_come_from_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", np.ones((4, 3), dtype=np.float16))
    assert source(str(tmp_path / "features.npy"), 2048).feature_size == 3
    np.save(tmp_path / "flat.npy", np.ones(4))
    with pytest.raises(ValueError, match="images × numbers"):
        source(str(tmp_path / "flat.npy"), 2048)


def test_a_pool_in_a_file_gives_the_rows_that_were_written(tmp_path: Path) -> None:
    rows = Isotropic(SMALL.feature_size)
    write(tmp_path / "features", SMALL, rows)
    with np.load(tmp_path / "features.npz") as beside:
        pool = FilePool(tmp_path / "features", SMALL, beside["logits"], beside["norms"], ids_of(SMALL))
    blocks = list(pool.blocks())
    assert sum(map(len, blocks)) == SMALL.images
    second = blocks[1].features
    assert second is not None
    assert second.tobytes() == rows.part(1, 512, 512).astype(np.float16).tobytes()
    assert pool.features_of(blocks[1].images[:3]).tobytes() == second[:3].tobytes()
    assert select(tmp_path / "features", SMALL, "badge").picks == SMALL.batch


def test_a_child_has_a_peak_of_its_own() -> None:
    held = bytes(200 << 20)
    assert peak_bytes() > len(held)
    assert apart(peak_bytes) < peak_bytes() - len(held) // 2
    before = held_bytes()
    assert peak_bytes() - before < 50 << 20, "the peak was not counted anew"


def test_a_child_that_fails_is_told_of() -> None:
    with pytest.raises(ChildFailed, match="source ended"):
        apart(source, "nowhere.npy", 3)


@pytest.mark.bench
def test_reranking_costs_little_more_than_its_reads() -> None:
    ratios = rerank.run(size=Size(images=100_000), strategies=["mge+kmeans"], rounds=1)["ratios"]
    assert ratios["scoring"] <= 3
    assert ratios["candidates"] <= 1.5
