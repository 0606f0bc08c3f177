"""The slice in one process, with a fault before and after every port call that it makes."""

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from aloft.kit.faults import Fault
from tests.faults.slice_cases import Outcome, addresses, cases, run_case, run_cases, scratch, templates

SEED = 20_240_611
SAMPLE = 60
PROCESSES = 2


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Migrated, empty databases to begin every case with."""
    with scratch() as folder:
        yield templates(folder / "template")


@pytest.fixture(scope="module")
def every_case(template: Path) -> list[Fault]:
    """Fail and crash, before and after every call of the undisturbed story."""
    with scratch() as folder:
        return cases(addresses(folder / "world", template))


def _report(outcomes: list[Outcome]) -> str:
    broken = [outcome for outcome in outcomes if outcome.problem]
    first = "\n\n".join(f"{outcome.case}\n{outcome.problem}" for outcome in broken[:5])
    return f"{len(broken)} of {len(outcomes)} cases broke:\n{first}"


def test_the_same_story_makes_the_same_calls(template: Path, every_case: list[Fault]) -> None:
    with scratch() as folder:
        again = cases(addresses(folder / "world", template))
    assert again == every_case, f"calls differ: {Counter(map(str, again)) - Counter(map(str, every_case))}"


def test_what_must_hold_holds_after_a_fault_at_a_sample_of_calls(
    template: Path, every_case: list[Fault]
) -> None:
    sample = random.Random(SEED).sample(every_case, SAMPLE)
    outcomes = [run_case(fault, template) for fault in sample]
    assert not any(outcome.problem for outcome in outcomes), _report(outcomes)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_what_must_hold_holds_after_a_fault_at_every_call(
    template: Path, every_case: list[Fault], capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    outcomes: list[Outcome] = []
    for outcome in run_cases(every_case, template, PROCESSES):
        outcomes.append(outcome)
        if len(outcomes) % 250 == 0 or len(outcomes) == len(every_case):
            spent = time.monotonic() - begun
            left = spent / len(outcomes) * (len(every_case) - len(outcomes))
            with capsys.disabled():
                sys.stdout.write(
                    f"\n{len(outcomes)} of {len(every_case)} cases in {spent:.0f} s,"
                    f" {PROCESSES * spent / len(outcomes):.2f} s a case, about {left:.0f} s to go"
                )
    assert not any(outcome.problem for outcome in outcomes), _report(outcomes)
