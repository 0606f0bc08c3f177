"""What is to be served, what pods say that they serve, and what is garbage."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.errors import FailedPrecondition, InvalidArgument, NotFound
from aloft.kit.explaining import Kind
from aloft.kit.rpc.call import Call, Principal, Role
from aloft.trainer import metrics
from tests.integration.trainer_world import CAMPAIGN, OPERATOR, PARENT, VALIDATION, World, world_on

AGENT = Principal("services/serving", Role.SERVICE)
SERVED, UNSERVED = api.Serving.STATE_SERVED, api.Serving.STATE_UNSERVED


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    with world_on(tmp_path, admin_url) as made:
        made.campaign(1)
        made.work()
        yield made


def another(world: World) -> None:
    """Make another promoted version."""
    world.create_base()
    world.work()


def desired(world: World) -> list[api.DesiredServing]:
    """Ask as an agent does."""
    answer = world.servicer.ListDesiredServing(api.ListDesiredServingRequest(), Call.by(AGENT))
    return list(answer.desired_servings)


def report(
    world: World, version: int, state: api.Serving.State.ValueType, pod: str = "pod-1", error: str = ""
) -> None:
    """Report as an agent does."""
    serving = api.Serving(campaign=CAMPAIGN, pod=pod, version=version, state=state, error=error, digest="d")
    world.servicer.ReportServing(api.ReportServingRequest(serving=serving), Call.by(AGENT))


def roll_back(world: World, version: int, request_id: str = "") -> api.Model:
    """Ask for an older version to be served."""
    request = api.RollbackModelRequest(name=f"{PARENT}/models/{version}", request_id=request_id)
    return world.servicer.RollbackModel(request, Call.by(OPERATOR))


def collected(world: World, *, dry_run: bool = False) -> list[str]:
    """Collect garbage, and name it."""
    request = api.CollectModelGarbageRequest(parent=PARENT, dry_run=dry_run)
    answer = world.servicer.CollectModelGarbage(request, Call.by(OPERATOR))
    assert answer.objects == len(answer.keys)
    return list(answer.keys)


def test_each_promoted_version_is_to_be_served_in_a_new_generation(world: World) -> None:
    model = world.model(1)
    assert desired(world) == [
        api.DesiredServing(
            campaign=CAMPAIGN,
            version=1,
            generation=1,
            archive_key=model.archive_key,
            archive_digest=model.archive_digest,
        )
    ]
    another(world)
    assert [(each.version, each.generation) for each in desired(world)] == [(2, 2)]


def test_an_operator_rolls_back_until_a_newer_version_is_promoted(world: World) -> None:
    another(world)
    request_id = str(uuid.uuid4())
    assert roll_back(world, 1, request_id).desired
    assert roll_back(world, 1, request_id).desired
    roll_back(world, 1)
    assert [(each.version, each.generation) for each in desired(world)] == [(1, 3)], (
        "what changes nothing is no new generation"
    )
    assert not world.model(2).desired
    another(world)
    assert [(each.version, each.generation) for each in desired(world)] == [(3, 4)]


def test_only_a_promoted_version_is_rolled_back_to(world: World) -> None:
    with pytest.raises(NotFound):
        roll_back(world, 7)
    world.campaign(2, gate={"minimum": 1.01}, training={"mode": "MODE_PROBE"})
    world.label(range(100, 108), VALIDATION)
    world.label(range(8))
    world.close()
    world.work()
    with pytest.raises(FailedPrecondition, match="was not promoted: its score"):
        roll_back(world, 2)
    assert [each.version for each in desired(world)] == [1]


def test_what_pods_serve_is_listed_as_they_last_said(world: World) -> None:
    report(world, 1, UNSERVED, error="the archive is damaged")
    report(world, 1, SERVED)
    report(world, 1, api.Serving.STATE_PENDING, pod="pod-0")
    request = api.ListServingRequest(parent=PARENT)
    answer = world.servicer.ListServing(request, Call.by(OPERATOR))
    listed = [(each.pod, each.state, each.error) for each in answer.servings]
    assert listed == [("pod-0", api.Serving.STATE_PENDING, ""), ("pod-1", SERVED, "")]
    assert answer.servings[0].HasField("report_time")


def test_a_report_that_says_too_little_is_refused(world: World) -> None:
    with pytest.raises(InvalidArgument, match="pod"):
        report(world, 1, SERVED, pod="")
    with pytest.raises(InvalidArgument, match="state"):
        report(world, 1, api.Serving.STATE_UNSPECIFIED)


def test_a_version_that_no_pod_serves_is_a_condition_with_a_metric_and_a_cause(world: World) -> None:
    unserved, registry = metrics.Unserved(), CollectorRegistry()
    registry.register(unserved)

    def shown() -> float | None:
        return registry.get_sample_value("aloft_unserved_versions", {"campaign": CAMPAIGN})

    unserved.watch(world.database)
    assert shown() == 0, "where no pod ever reported, nobody is to serve"
    report(world, 1, UNSERVED, error="the archive is damaged")
    assert shown() == 1
    cause = world.causes()["UNSERVED"]
    assert (cause.kind, cause.waits_for) == (
        Kind.STUCK,
        "version 1 to be served: pod-1: the archive is damaged",
    )
    report(world, 1, SERVED)
    assert shown() == 0
    another(world)
    assert shown() == 1, "the older version is served, and not the one that is to be"
    report(world, 2, SERVED)
    assert "UNSERVED" not in world.causes()
    world.database.advance(600)
    assert shown() == 1, "a pod that is silent for long is gone"


def test_garbage_is_what_no_row_names_under_a_run_that_ended_long_ago(world: World) -> None:
    kept = [f"{PARENT}/models/1/{name}" for name in world.left(1)]
    leftover, personal = f"{PARENT}/models/1/checkpoints/1-7", f"{PARENT}/models/notes.txt"
    for key in (leftover, personal):
        world.objects.put(key, b"left")
    assert collected(world) == [], "a zombie may still be at it"
    world.database.advance(4000)
    another(world)
    fresh = f"{PARENT}/models/2/checkpoints/1-1"
    world.objects.put(fresh, b"left")
    assert collected(world, dry_run=True) == [leftover]
    assert collected(world) == [leftover]
    assert collected(world) == []
    there = {info.key for info in world.objects.list(f"{PARENT}/models/")}
    assert {*kept, personal, fresh} <= there, "what is needed, or not Aloft's, is gone"


def test_a_version_on_its_way_to_a_pod_is_no_trouble_for_a_while(world: World) -> None:
    report(world, 1, api.Serving.STATE_PENDING)
    assert world.causes()["UNSERVED"].kind is Kind.WAITING
    world.database.advance(121)
    assert world.causes()["UNSERVED"].kind is Kind.STUCK
