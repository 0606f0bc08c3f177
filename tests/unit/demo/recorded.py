"""A small outcome, as a demonstration of eight images would give it."""

from dataclasses import replace

from aloft.demo.outcome import AP, SCORE, ArmOutcome, Chosen, Outcome, Round, Served
from aloft.demo.plan import Plan
from aloft.demo.pool import key_of

PLAN = Plan(images=8, test=4, size=16, batches=2, batch_size=2, seed=3)
POOL = {"trees": 6, "cars": 2, "ships": 1}


def chosen(number: int, *shown: str) -> Chosen:
    return Chosen(f"{number:032x}", key_of(number, PLAN.seed), f"Because of <{number}>.", shown)


def arm(campaign: str, strategy: str, *scores: float) -> ArmOutcome:
    rounds = [
        Round(
            number=number + 1,
            strategy="centroids" if strategy != "random" and not number else strategy,
            version=number + 2,
            labelled=2 * (number + 1),
            chosen=[chosen(2 * number, "trees"), chosen(2 * number + 1, "trees", "cars")],
            metrics={SCORE: score, f"{AP}trees": 0.9, f"{AP}cars": score},
            seconds={"label": 1.0, "train": 2.0 + number},
        )
        for number, score in enumerate(scores)
    ]
    return ArmOutcome(campaign, strategy, rounds, "BUDGET_IMAGES")


def outcome(active: float = 0.6, random: float = 0.5, plan: Plan = PLAN) -> Outcome:
    return Outcome(
        plan,
        arm("active", "mge+kmeans", 0.4, active),
        arm("random", "random", 0.42, random),
        POOL,
        seconds=65.0,
        stages={"services": 4.0, "pre-training": 30.0},
        peak_mb=1536.0,
    )


def outcome_on_servers() -> Outcome:
    """Give what ends on real servers."""
    ended = outcome()
    arms = [
        replace(arm, served=Served(arm.rounds[-1].version, digest * 32, ("trees",), ("trees", "<cars>")))
        for arm, digest in ((ended.active, "ab"), (ended.random, "cd"))
    ]
    return replace(ended, active=arms[0], random=arms[1], ran_on={"Kafka": "1 broker at <here>:9092"})
