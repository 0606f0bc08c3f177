import subprocess
import sys
from importlib import import_module

import pytest

from aloft import strategies
from aloft.strategies import catalogue
from aloft.strategies.builtin import ENTRIES
from aloft.strategies.entry import COLUMNS, Entry, Kind, Needs

LIGHT = """
import sys
from importlib import import_module
from aloft import strategies
strategies.check("class_balanced(margin)+kmeans(h=8)")
strategies.needs("auto")
strategies.entries()
strategies.in_force("auto", strategies.Standing(base=True))
sys.exit(", ".join({"numpy", "faiss"} & set(sys.modules)) or 0)
"""


def test_all_that_is_asked_of_an_expression_loads_neither_numpy_nor_faiss() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}: a service without NumPy could not check a campaign"


def test_everything_that_was_promised_is_there() -> None:
    there = {kind: set(catalogue.names(kind)) for kind in Kind}
    assert there[Kind.SCORE] == {"entropy", "margin", "mge", "mtd", "mll", "bald", "rare_positive"}
    assert there[Kind.WRAPPER] == {"mean", "max", "class_balanced"}
    assert there[Kind.DIVERSITY] == {"kmeans", "kcenter", "herding"}
    assert there[Kind.ALONE] >= {"random", "random_balanced", "auto", "centroids", "typiclust", "badge"}


@pytest.mark.parametrize("entry", strategies.entries(), ids=lambda one: f"{one.kind}-{one.name}")
def test_each_entry_says_what_it_does_and_costs(entry: Entry) -> None:
    assert entry.summary.endswith(".")
    assert bool(entry.cost) == (entry.kind is not Kind.WRAPPER), "what reads nothing costs nothing"
    assert set(entry.needs.columns) <= set(COLUMNS)
    assert all(one.least <= one.default <= one.most and one.summary for one in entry.parameters)


def test_needs_add_up() -> None:
    assert strategies.needs("random") == Needs()
    assert strategies.needs("mge+kmeans") == Needs(logits=True, candidates=True)
    assert strategies.needs("bald+kcenter") == Needs(candidates=True, covered=True, columns=("bald",))
    assert Needs(columns=("mll",)) | Needs(columns=("bald", "mll")) == Needs(columns=("bald", "mll"))


@pytest.mark.parametrize("needs", [Needs(logits=True), Needs(earlier=True), Needs(columns=("mll",))])
def test_what_only_a_version_with_a_head_has_is_known_as_that(needs: Needs) -> None:
    assert needs.head
    assert not Needs(features=True, candidates=True, covered=True).head


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: f"{one.kind}-{one.name}")
def test_the_code_of_an_entry_needs_what_the_entry_says(entry: Entry) -> None:
    if not entry.code:
        assert entry.kind is Kind.WRAPPER or entry.name == "auto"
        return
    module, _, attribute = entry.code.partition(":")
    code = getattr(import_module(module), attribute)
    if entry.kind is Kind.ALONE:
        assert (code.name, code.needs) == (entry.name, entry.needs)
    else:
        assert callable(code)
