"""The serving agent: what a pod serves becomes what the trainer desires, and never goes back."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aloft.kit.clock import ManualClock
from aloft.kit.errors import AloftError, ResourceExhausted, Unauthenticated, Unavailable
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.rpc.call import DeadlineExceeded
from aloft.kit.rpc.status import Bug
from aloft.serving.agent import ServingAgent
from aloft.serving.answers import Answer
from aloft.serving.desired import Desired, Report, State
from aloft.serving.generations import Generations
from aloft.serving.golden import golden_inputs
from aloft.serving.inprocess import InProcess
from aloft.serving.port import Registered, ServerAway, Serving
from aloft.serving.tidying import Tidying
from tests.integration.serving_world import SPEC, Made, made, tampered


class TrainerFake:
    """Desires what it is told to, and keeps what it hears."""

    def __init__(self) -> None:
        self.wanted: dict[str, Desired] = {}
        self.heard: list[Report] = []
        self.away = False
        self.answers: AloftError = Unavailable("UNREACHABLE", "the trainer is away")
        """What whoever calls hears while it is away."""

    def want(self, version: Made, generation: int) -> None:
        self.wanted[version.campaign] = Desired(
            version.campaign, version.version, generation, version.key, version.digest
        )

    def desired(self) -> Sequence[Desired]:
        self._answer()
        return list(self.wanted.values())

    def report(self, said: Report) -> None:
        self._answer()
        self.heard.append(said)

    def last(self, campaign: str = "harbour") -> Report:
        return [one for one in self.heard if one.campaign == campaign][-1]

    def _answer(self) -> None:
        if self.away:
            raise self.answers


class Broken(InProcess):
    """A model server that is away, or has a worker that is not loaded yet."""

    def __init__(self) -> None:
        super().__init__("cpu")
        self.away = False
        self.loading = False

    def registered(self) -> list[Registered]:
        if self.away:
            raise ServerAway("it was killed")
        return [replace(one, ready=not self.loading) for one in super().registered()]

    def predict(self, campaign: str, version: int | None, images: Sequence[bytes]) -> list[Answer]:
        if self.loading:
            raise ServerAway("its worker is not there yet")
        return super().predict(campaign, version, images)


class Pod:
    """A pod's agent, its model server and its disk."""

    def __init__(self, folder: Path, serving: Serving | None = None, **limits: int) -> None:
        self.folder = folder
        self.objects = DirectoryObjects(folder / "objects")
        self.trainer = TrainerFake()
        self.clock = ManualClock()
        self.limits = {"keep": 2, "max_workers": 16, **limits}
        self.serving: Serving = serving or InProcess("cpu")
        self.agent = self.restarted()

    def restarted(self) -> ServingAgent:
        generations = Generations(self.folder / "generations.json")
        tidying = Tidying(self.serving, self.clock, drain_s=30, **self.limits)
        self.agent = ServingAgent(self.trainer, self.objects, self.serving, generations, tidying, self.clock)
        return self.agent

    def publish(self, version: Made, generation: int, data: bytes | None = None) -> None:
        self.objects.put(version.key, data or version.archive)
        self.trainer.want(version, generation)

    def poll(self, times: int = 1, every_s: float = 2.0) -> None:
        for _ in range(times):
            self.agent.step()
            self.clock.advance(every_s)

    def answering(self, campaign: str = "harbour") -> int:
        image = golden_inputs(SPEC, 0)[:1]
        return int(self.serving.predict(campaign, None, image)[0].body["version"])

    def versions(self, campaign: str = "harbour") -> list[int]:
        return [one.version for one in self.serving.registered() if one.campaign == campaign]


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_what_is_desired_is_served_and_reported(pod: Pod) -> None:
    version = made("harbour", 4)
    pod.publish(version, generation=2)
    assert "has not said yet" in pod.agent.problem()
    pod.poll()
    assert pod.answering() == 4
    assert pod.agent.problem() == ""
    assert [one.state for one in pod.trainer.heard] == [State.PENDING, State.SERVED]
    assert pod.trainer.last() == Report("harbour", 4, 2, version.digest, State.SERVED)


def test_what_has_not_changed_is_reported_again_only_now_and_then(pod: Pod) -> None:
    pod.publish(made("harbour", 1), 1)
    pod.poll(times=10)
    assert len(pod.trainer.heard) == 2
    pod.poll(times=10)
    assert len(pod.trainer.heard) == 3, "the trainer is not told that the pod is still alive"


def test_a_newer_version_takes_over_and_the_last_one_stays_for_those_who_pin_it(pod: Pod) -> None:
    for version in (1, 2, 3):
        pod.publish(made("harbour", version), version)
        pod.poll()
        assert pod.answering() == version
    assert pod.versions() == [1, 2, 3], "a version goes before its calls have had time to end"
    pod.poll(times=20)
    assert pod.versions() == [2, 3]


def test_a_rollback_is_a_new_generation_and_an_older_generation_is_refused(pod: Pod) -> None:
    first, second = made("harbour", 1), made("harbour", 2)
    pod.publish(first, 1)
    pod.poll()
    pod.publish(second, 2)
    pod.poll()
    pod.publish(first, 1)
    pod.poll()
    assert pod.answering() == 2, "the pod went back to an older generation"
    assert pod.trainer.last().state is State.UNSERVED
    assert pod.trainer.last().error.startswith("OLDER_GENERATION")
    assert pod.trainer.last().digest == second.digest, "the report does not say what answers"
    pod.publish(first, 3)
    pod.poll()
    assert pod.answering() == 1
    assert pod.trainer.last().state is State.SERVED


def test_an_agent_that_was_restarted_does_not_go_back_either(pod: Pod) -> None:
    pod.publish(made("harbour", 2), 5)
    pod.poll()
    pod.restarted()
    pod.publish(made("harbour", 1), 4)
    pod.poll()
    assert pod.answering() == 2
    assert pod.trainer.last().error.startswith("OLDER_GENERATION")


def test_a_generation_is_one_archive(pod: Pod) -> None:
    pod.publish(made("harbour", 1), 1)
    pod.poll()
    pod.publish(made("harbour", 2), 1)
    pod.poll()
    assert pod.answering() == 1
    assert pod.trainer.last().error.startswith("GENERATION_CHANGED")


def test_a_tampered_archive_is_not_served_and_what_was_served_stays(pod: Pod) -> None:
    pod.publish(made("harbour", 1), 1)
    pod.poll()
    version = made("harbour", 2)
    pod.publish(version, 2, data=tampered(version))
    pod.poll()
    assert pod.answering() == 1
    said = pod.trainer.last()
    assert (said.state, said.version, said.generation) == (State.UNSERVED, 2, 2)
    assert said.error.startswith("ARCHIVE_TAMPERED")
    assert pod.agent.problem() == "", "a bad archive takes a pod away that serves the version before"
    pod.publish(version, 2)
    pod.poll(times=3)
    assert pod.answering() == 2, "the mended archive is not tried again"


def renumbered(good: Made) -> tuple[Made, bytes]:
    return replace(good, described=replace(good.described, version=9)), good.archive


def published_as(version: Made) -> tuple[Made, bytes]:
    return version, version.archive


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda good: (good, b"no archive"), "ARCHIVE_DAMAGED"),
        (
            lambda good: (replace(good, described=replace(good.described, version=9)), good.archive),
            "ARCHIVE_OF",
        ),
        (lambda _: published_as(made("harbour", 2, golden_shift=0.5)), "GOLDEN_OUTPUTS_DIFFER"),
        (lambda _: published_as(made("harbour", 2, described_as=replace(SPEC, height=8))), "GOLDEN_OUT"),
    ],
    ids=["damaged", "of another", "other outputs", "other preprocessing"],
)
def test_an_archive_that_is_not_what_it_says_never_becomes_the_default(
    pod: Pod, change: Callable[[Made], tuple[Made, bytes]], reason: str
) -> None:
    pod.publish(made("harbour", 1), 1)
    pod.poll()
    version, data = change(made("harbour", 2))
    pod.publish(replace(version, digest=sha256_hex(data)), 2, data)
    pod.poll()
    assert pod.trainer.last().error.startswith(reason), pod.trainer.last().error
    assert (pod.answering(), pod.versions()) == (1, [1])


def test_an_archive_that_is_missing_is_waited_for_with_growing_patience(pod: Pod) -> None:
    version = made("harbour", 1)
    pod.trainer.want(version, 1)
    pod.poll(times=16)
    assert pod.trainer.last().error.startswith("ARCHIVE_MISSING")
    pod.objects.put(version.key, version.archive)
    pod.poll()
    assert pod.versions() == [], "it asks the store at every poll"
    pod.poll(times=16)
    assert pod.answering() == 1


def test_a_version_that_somebody_registered_from_another_archive_is_not_taken_for_ours(pod: Pod) -> None:
    other = made("harbour", 1, seed=99)
    pod.serving.register("harbour", 1, other.digest, other.archive)
    pod.publish(made("harbour", 1), 1)
    pod.poll()
    said = pod.trainer.last()
    assert said.state is State.UNSERVED
    assert said.error.startswith("OTHER_ARCHIVE_REGISTERED")
    assert said.digest == other.digest, "the report does not say what answers"


def test_one_campaign_that_cannot_be_served_does_not_stop_another(pod: Pod) -> None:
    broken, good = made("airport", 1), made("harbour", 1)
    pod.publish(broken, 1, data=tampered(broken))
    pod.publish(good, 1)
    pod.poll()
    assert pod.answering() == 1
    assert pod.trainer.last("airport").state is State.UNSERVED
    assert pod.agent.problem() == "", "a campaign's own fault takes the pod from all others"


def test_the_cap_on_workers_refuses_what_would_break_it_and_names_itself(tmp_path: Path) -> None:
    pod = Pod(tmp_path, max_workers=2)
    for campaign in ("airport", "harbour", "quarry"):
        pod.publish(made(campaign, 1), 1)
    pod.poll()
    assert [pod.trainer.last(one).state for one in ("airport", "harbour")] == [State.SERVED] * 2
    assert pod.trainer.last("quarry").error.startswith("WORKERS_CAPPED")


def test_under_the_cap_versions_of_the_past_give_way_once_drained(tmp_path: Path) -> None:
    pod = Pod(tmp_path, max_workers=2)
    for version in (1, 2):
        pod.publish(made("harbour", version), version)
        pod.poll()
    pod.publish(made("harbour", 3), 3)
    pod.poll()
    assert pod.answering() == 2
    pod.poll(times=40)
    assert pod.answering() == 3
    assert pod.versions() == [2, 3]


def test_a_model_server_that_lost_everything_is_given_it_again(pod: Pod) -> None:
    pod.publish(made("harbour", 3), 7)
    pod.poll()
    pod.serving = InProcess("cpu")
    pod.restarted()
    pod.poll()
    assert pod.answering() == 3


REFUSALS = [
    Unavailable("UNREACHABLE", "the trainer is away"),
    DeadlineExceeded("DEADLINE_EXCEEDED", "it took too long"),
    ResourceExhausted("TOO_MANY_CALLS", "it is busy", 1.0),
    Unauthenticated("KEY_UNKNOWN", "the key was changed"),
    Bug("0123456789ab"),
]
"""What a trainer may answer in place of what is desired."""


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.reason)
def test_what_was_last_desired_is_kept_up_whatever_the_trainer_answers_instead(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, refusal: AloftError
) -> None:
    server = Broken()
    pod = Pod(tmp_path, server)
    pod.publish(made("harbour", 3), 7)
    pod.poll()
    pod.trainer.away, pod.trainer.answers = True, refusal
    server.unregister("harbour", 3)
    pod.poll()
    assert pod.answering() == 3
    warned = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    for what in ("does not say what is desired", "did not take a report on harbour"):
        assert any(what in one and refusal.reason in one for one in warned), f"nobody is told: {what}"
    pod.trainer.away = False
    pod.trainer.heard.clear()
    pod.poll()
    assert pod.trainer.last().state is State.SERVED, "a report that was not taken is not repeated"


def test_a_pod_that_starts_before_the_trainer_waits_for_it(pod: Pod) -> None:
    pod.publish(made("harbour", 1), 1)
    pod.trainer.away = True
    pod.poll()
    assert "the trainer" in pod.agent.problem(), "a pod is ready that knows nothing of what it is to serve"
    pod.trainer.away = False
    pod.poll()
    assert (pod.agent.problem(), pod.answering()) == ("", 1)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.reason)
def test_a_pod_says_why_the_trainer_has_not_told_it_what_to_serve(pod: Pod, refusal: AloftError) -> None:
    pod.trainer.away, pod.trainer.answers = True, refusal
    pod.poll()
    assert pod.agent.problem().endswith(f"what is to be served: {refusal.reason}: {refusal}")


def test_a_pod_is_not_ready_while_nothing_answers(tmp_path: Path) -> None:
    server = Broken()
    pod = Pod(tmp_path, server)
    pod.publish(made("harbour", 1), 1)
    server.away = True
    pod.poll()
    assert pod.agent.problem() == "nothing is served yet of harbour"
    assert pod.trainer.last().error == "MODEL_SERVER_UNAVAILABLE: it was killed"
    server.away = False
    pod.poll(times=2)
    assert pod.agent.problem() == ""


def test_a_version_whose_workers_are_still_loading_is_not_reported_as_served(tmp_path: Path) -> None:
    server = Broken()
    pod = Pod(tmp_path, server)
    pod.publish(made("harbour", 1), 1)
    server.loading = True
    pod.poll(times=3)
    assert pod.trainer.last().state is State.UNSERVED
    server.loading = False
    pod.poll(times=10)
    assert pod.trainer.last().state is State.SERVED
