"""What the model server is asked in the end: it must answer with what each campaign ended with."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from aloft.api.trainer.v1.trainer_service_pb2 import Model
from aloft.demo.asking import Asking, HeldOut, held_out
from aloft.demo.children import DemoFailed
from aloft.demo.plan import Plan
from aloft.demo.pool import draw_pool
from aloft.serving.answers import BAD_IMAGE, Answer
from aloft.serving.inprocess import InProcess
from aloft.serving.port import ServerAway

IMAGE = HeldOut(b"an image", ("cars", "roads"))
FINAL = Model(version=4, archive_digest="ab" * 32)


class Server(InProcess):
    """A model server that says what it is told to, one answer after another; None is no answer."""

    def __init__(self, *answers: Answer | None) -> None:
        super().__init__("cpu")
        self._answers = list(answers)

    def predict(self, campaign: str, version: int | None, images: Sequence[bytes]) -> list[Answer]:
        """Answer for the default version alone, and for that image."""
        assert (version, list(images)) == (None, [IMAGE.data])
        answer = self._answers.pop(0)
        if answer is None:
            raise ServerAway("no worker")
        return [answer]


def answer(version: int, digest: str = FINAL.archive_digest) -> Answer:
    return Answer({"version": version, "digest": digest, "predicted": ["cars"]})


def test_it_is_asked_until_the_final_version_answers() -> None:
    asking = Asking(Server(None, answer(3), answer(4)), IMAGE, {"active": FINAL})
    assert not asking.step()
    assert asking.waiting == "active is not answered: no worker"
    assert not asking.step()
    assert asking.waiting == "active is answered by version 3, not yet 4"
    assert asking.step()
    served = asking.served["active"]
    assert (served.version, served.digest) == (4, FINAL.archive_digest)
    assert served.sentence() == "version 4 (sha256 abababababab…) says cars, and it shows cars, roads"


def test_one_campaign_does_not_wait_for_the_other() -> None:
    asking = Asking(Server(answer(4), None, answer(4)), IMAGE, {"active": FINAL, "random": FINAL})
    assert not asking.step()
    assert len(asking.served) == 1
    assert asking.step(), "what has answered is not asked again"


def test_the_version_from_another_archive_is_no_success() -> None:
    asking = Asking(Server(answer(4, "cd" * 32)), IMAGE, {"active": FINAL})
    with pytest.raises(DemoFailed, match=r"published as abab.*, and what answers was loaded from cdcd"):
        asking.step()


def test_an_image_that_is_refused_is_no_success() -> None:
    refusal = Answer({"version": 4, "error": {"message": "too small"}}, BAD_IMAGE)
    with pytest.raises(DemoFailed, match="too small"):
        Asking(Server(refusal), IMAGE, {"active": FINAL}).step()


def test_the_image_is_one_that_nobody_learned_from(tmp_path: Path) -> None:
    plan = Plan(images=3, test=2, size=16, seed=5)
    drawn = draw_pool(
        tmp_path / "pool", tmp_path / "truth.json", count=3, test=2, size=16, seed=5, manifest="manifest.csv"
    )
    image = held_out(plan, tmp_path / "pool", drawn)
    line = next(
        line
        for line in (tmp_path / "pool" / "manifest.csv").read_text().splitlines()
        if drawn.keys[3] in line
    )
    assert ",test," in line
    assert line.count(",1") == len(image.shown), "what it shows is not what the manifest says"
    assert image.data == (tmp_path / "pool" / drawn.keys[3]).read_bytes()
