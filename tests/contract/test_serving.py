"""The serving port: one suite, the handler in process and a real TorchServe."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aloft.imagery import ImageSpec
from aloft.serving.golden import TOLERANCE, deviation, golden_inputs
from aloft.serving.inprocess import InProcess
from aloft.serving.port import OtherArchive, Registered, ServerRefused, Serving
from aloft.serving.torchserve.adapter import Loading, TorchServe
from aloft.serving.torchserve.api import Api
from tests.integration.serving_world import Made, made
from tests.stack.torchserve import TorchServe as Server

MULTISPECTRAL = ImageSpec(24, 24, 12)


def on(server: Server) -> TorchServe:
    api = Api(server.management, server.inference, server.key_file, timeout_s=60)
    return TorchServe(api, server.store, Loading(batch_images=4))


@pytest.fixture(params=["inprocess", "torchserve"])
def serving(request: pytest.FixtureRequest) -> Iterator[Serving]:
    if request.param == "inprocess":
        yield InProcess("cpu")
        return
    adapter = on(request.getfixturevalue("torchserve"))
    yield adapter
    for one in sorted(adapter.registered(), key=lambda one: one.default):
        adapter.unregister(one.campaign, one.version)


@pytest.fixture
def campaign() -> str:
    return f"harbour-{uuid.uuid4().hex[:8]}"


def register(serving: Serving, version: Made) -> None:
    serving.register(version.campaign, version.version, version.digest, version.archive)


def test_a_version_is_served_as_it_was_published(serving: Serving, campaign: str) -> None:
    version = made(campaign, 3, spec=MULTISPECTRAL)
    register(serving, version)
    assert serving.registered() == [Registered(campaign, 3, version.digest, True, True, 1)]
    answers = serving.predict(campaign, 3, golden_inputs(MULTISPECTRAL, version.described.golden.inputs_seed))
    logits = [answer.body["logits"] for answer in answers]
    assert deviation(logits, version.described.golden.outputs) < TOLERANCE["float32"]
    for answer in answers:
        assert answer.status == 200
        assert (answer.body["campaign"], answer.body["version"]) == (campaign, 3)
        assert answer.body["digest"] == version.digest, "an answer names the archive it was given from"
        chances = answer.body["probabilities"]
        assert list(chances) == ["ship", "quay", "crane"]
        expected = 1 / (1 + np.exp(-np.asarray(answer.body["logits"]) / version.described.temperature))
        assert list(chances.values()) == pytest.approx(expected, rel=1e-6)
        bars = zip(chances.items(), version.described.thresholds, strict=True)
        assert answer.body["predicted"] == [label for (label, chance), bar in bars if chance >= bar]


def test_one_bad_image_is_its_own_answer(serving: Serving, campaign: str) -> None:
    version = made(campaign, 1, spec=MULTISPECTRAL)
    register(serving, version)
    good = golden_inputs(MULTISPECTRAL, 5)[0]
    # Longer than TorchServe takes by default.
    large_tile = golden_inputs(replace(MULTISPECTRAL, height=800, width=800), 5)[0]
    three_bands = golden_inputs(replace(MULTISPECTRAL, bands=3, mean=(), std=()), 5)[0]
    answers = serving.predict(campaign, 1, [good, b"no image", three_bands, b"", large_tile])
    assert [answer.status for answer in answers] == [200, 400, 400, 400, 200]
    reasons = [answer.body["error"]["reason"] for answer in answers if answer.status == 400]
    assert reasons == ["UNREADABLE", "WRONG_BANDS", "UNREADABLE"]
    assert {answer.body["version"] for answer in answers} == {1}, "a refusal names its version too"


def test_a_base_version_answers_features(serving: Serving, campaign: str) -> None:
    version = made(campaign, 1, labels=())
    register(serving, version)
    (answer, *_) = serving.predict(campaign, 1, golden_inputs(version.described.spec, 1))
    assert deviation([answer.body["features"]], version.described.golden.outputs[:1]) < TOLERANCE["float32"]


def test_a_default_answers_where_no_version_is_named(serving: Serving, campaign: str) -> None:
    first, second = made(campaign, 1), made(campaign, 2)
    register(serving, first)
    register(serving, second)
    image = golden_inputs(first.described.spec, 0)[:1]

    def answered(version: int | None) -> int:
        return int(serving.predict(campaign, version, image)[0].body["version"])

    assert (answered(None), answered(1), answered(2)) == (1, 1, 2)
    serving.set_default(campaign, 2)
    assert (answered(None), answered(1)) == (2, 1)
    with pytest.raises(ServerRefused):
        serving.unregister(campaign, 2)
    serving.unregister(campaign, 1)
    serving.unregister(campaign, 1)
    with pytest.raises(ServerRefused):
        answered(1)
    assert [(one.version, one.default) for one in serving.registered()] == [(2, True)]
    with pytest.raises(ServerRefused):
        serving.set_default(campaign, 1)


def test_a_version_is_registered_again_only_from_the_same_archive(serving: Serving, campaign: str) -> None:
    first, other = made(campaign, 1), made(campaign, 1, seed=99)
    register(serving, first)
    register(serving, first)
    with pytest.raises(OtherArchive, match=first.digest):
        register(serving, other)
    assert [one.digest for one in serving.registered()] == [first.digest]


def test_a_version_that_cannot_be_loaded_leaves_nothing_behind(serving: Serving, campaign: str) -> None:
    broken = made(campaign, 1, described_as=MULTISPECTRAL)
    with pytest.raises(ServerRefused):
        register(serving, broken)
    assert serving.registered() == []
    register(serving, made(campaign, 1))


def test_clearing_the_store_stops_nothing(serving: Serving, campaign: str) -> None:
    version = made(campaign, 1)
    register(serving, version)
    serving.clear()
    assert serving.predict(campaign, None, golden_inputs(version.described.spec, 0)[:1])[0].status == 200


def test_torchserve_is_called_with_new_tokens_where_the_old_have_ended(torchserve: Server) -> None:
    adapter, other = on(torchserve), on(torchserve)
    adapter.registered()
    # As an hour does: the token that the adapter holds is not accepted any more.
    other._api._read("management")
    other._api._renew("management")
    assert adapter.registered() == []

    stale = json.loads(torchserve.key_file.read_text())
    stale["management"]["key"] = stale["inference"]["key"] = "expired"
    torchserve.key_file.write_text(json.dumps(stale))
    late = on(torchserve)
    assert late.registered() == [], "what is on disk has ended too, and is renewed"
    assert json.loads(torchserve.key_file.read_text())["management"]["key"] != "expired"


def test_torchserve_takes_archives_from_its_store_alone(torchserve: Server, tmp_path: Path) -> None:
    api = Api(torchserve.management, torchserve.inference, torchserve.key_file, timeout_s=60)
    outside = tmp_path / "outside.mar"
    outside.write_bytes(made("outside", 1).archive)
    for url in (outside.as_uri(), str(outside), f"../../{outside.name}", "http://127.0.0.1:9/x.mar"):
        reply = api.call("management", "POST", "/models", {"url": url})
        assert reply.status >= 400, f"{url} was registered"
