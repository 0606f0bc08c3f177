"""Images that are not as they were: replaced, there twice, or mended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import image_service_pb2
from aloft.kit.errors import InvalidArgument
from aloft.label_store.store import tables
from tests.contract.databases import ADAPTERS
from tests.integration.label_store_world import CAMPAIGN, PARENT, World, check, image, key, opened

ON_BOTH = pytest.mark.parametrize("world", ADAPTERS, indirect=True)
"""For tests whose SQL differs between the databases, or could."""


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    database = getattr(request, "param", "sqlite")
    admin_url = request.getfixturevalue("postgres_database") if database == "postgresql" else None
    with opened(tmp_path, admin_url) as made:
        made.campaign()
        made.put(*range(4))
        made.import_all()
        made.vendor()
        made.resume()
        yield made


def get(world: World, number: int) -> image_service_pb2.Image:
    """Read an image."""
    request = image_service_pb2.GetImageRequest(name=f"{PARENT}/images/{image(number)}")
    return world.call("Image.GetImage", request)  # type: ignore[no-any-return]


@ON_BOTH
def test_an_image_that_was_replaced_is_not_shown_until_it_is_imported_again(world: World) -> None:
    world.put(0, text="another picture")
    world.select(1, 0, 1)
    (task,) = world.lease()
    assert task.image.endswith(image(1))
    assert get(world, 0).state_reason.startswith("CHANGED")
    world.import_all()
    renewed = get(world, 0)
    assert (renewed.state, renewed.version) == (image_service_pb2.Image.STATE_REGISTERED, 2)
    assert [(one.image, one.version) for one in world.announced(events.ImageRegistered)[-1].images] == [
        (image(0), 2)
    ]
    world.submit([task])
    world.select(2, 0)
    world.submit(world.lease(), "water")
    assert world.objects.get(f"campaigns/{CAMPAIGN}/images/{image(0)}-2") == b"another picture"
    check(world)


def test_an_image_that_is_out_is_what_its_annotator_saw_however_it_is_replaced(world: World) -> None:
    world.select(1, 0)
    leased = world.lease()
    world.put(0, text="another picture")
    assert "000.png was replaced while it is out" in " ".join(world.import_all().problems)
    assert get(world, 0).version == 1
    assert world.objects.get(f"campaigns/{CAMPAIGN}/images/{image(0)}") == b"image 0"
    world.submit(leased, "water")
    assert world.import_all().registered_images == 1
    assert get(world, 0).version == 2
    check(world)


def test_a_label_set_outlives_the_replacement_of_its_image(world: World) -> None:
    world.select(1, 0)
    world.submit(world.lease(), "water")
    world.put(0, text="another picture")
    world.import_all()
    kept = get(world, 0)
    assert (kept.version, kept.label_set.version) == (2, 1)
    check(world)


def test_an_image_that_is_mended_and_imported_again_is_usable_again(world: World) -> None:
    world.quarantine(0)
    world.select(1, 0)
    assert world.announced(events.ImageReleased)[-1].reason == "NOT_ACCEPTED"
    world.put(0, text="mended")
    world.import_all()
    world.quarantine(0, version=1)
    assert get(world, 0).state == image_service_pb2.Image.STATE_REGISTERED, (
        "the quarantine was of what it was"
    )
    world.select(2, 0)
    assert len(world.lease()) == 1


def test_an_image_that_is_back_in_the_bucket_is_usable_once_it_is_imported_again(world: World) -> None:
    path = world.pool_folder / key(0)
    path.rename(path.with_suffix(".away"))
    world.select(1, 0, 1)
    world.submit(world.lease(), "water")
    assert get(world, 0).state_reason.startswith("MISSING")
    path.with_suffix(".away").rename(path)
    world.import_all()
    renewed = get(world, 0)
    assert (renewed.state, renewed.version) == (image_service_pb2.Image.STATE_REGISTERED, 2)
    world.select(2, 0)
    assert len(world.lease()) == 1
    check(world)


def test_an_image_that_nobody_can_read_stays_quarantined_while_its_bytes_are_the_same(world: World) -> None:
    world.quarantine(0)
    world.import_all()
    assert get(world, 0).state == image_service_pb2.Image.STATE_QUARANTINED


def test_an_image_that_the_store_refused_is_taken_again_by_an_import(world: World) -> None:
    world.quarantine(0, reason="REFUSED")
    world.import_all()
    assert get(world, 0).state == image_service_pb2.Image.STATE_REGISTERED


def test_the_same_bytes_under_two_keys_are_two_images(world: World) -> None:
    world.put(4, 5, text="twins")
    assert world.import_all().registered_images == 2
    world.select(1, 4, 5)
    world.submit(world.lease(1), "water")
    world.submit(world.lease(1), "road")
    labels = [row.verdicts for row in world.rows(tables.images) if row.label_set_version]
    assert len(labels) == 2
    check(world)


Manifest = image_service_pb2.ImportImagesRequest.Manifest
Listing = image_service_pb2.ImportImagesRequest.Listing


@pytest.mark.parametrize("key", ["../list.csv", "/list.csv", "lists/", "li\0st.csv", "x" * 2000])
def test_a_manifest_that_no_object_can_be_is_refused_at_once(world: World, key: str) -> None:
    request = image_service_pb2.ImportImagesRequest(parent=PARENT, manifest=Manifest(key=key))
    with pytest.raises(InvalidArgument) as refused:
        world.call("Image.ImportImages", request)
    assert [violation.field for violation in refused.value.violations] == ["manifest.key"]


@pytest.mark.parametrize("prefix", ["../", "/", "class-0//", "./class-0/", "class\0", "x" * 2000])
def test_a_listing_that_can_find_no_object_is_refused_at_once(world: World, prefix: str) -> None:
    request = image_service_pb2.ImportImagesRequest(parent=PARENT, listing=Listing(prefix=prefix))
    with pytest.raises(InvalidArgument) as refused:
        world.call("Image.ImportImages", request)
    assert [violation.field for violation in refused.value.violations] == ["listing.prefix"]


@pytest.mark.parametrize(("prefix", "images"), [("", 4), ("class-0/", 2), ("class-", 4), (".", 0)])
def test_a_listing_is_of_every_key_that_begins_with_its_prefix(
    world: World, prefix: str, images: int
) -> None:
    assert world.import_all(prefix=prefix).known_images == images
