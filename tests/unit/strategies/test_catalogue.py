import subprocess
import sys

import pytest

from aloft import strategies
from aloft.kit.errors import InvalidArgument
from aloft.strategies import Standing
from aloft.strategies.strategy import Needs


@pytest.mark.parametrize("name", strategies.names())
def test_each_strategy_is_loaded_under_its_own_name(name: str) -> None:
    assert strategies.load(name).name == name


def test_an_unknown_strategy_is_refused_with_the_near_ones_and_all_of_them() -> None:
    with pytest.raises(InvalidArgument) as refused:
        strategies.check("centroid")
    assert refused.value.reason == "UNKNOWN_STRATEGY"
    assert "did you mean centroids?" in refused.value.message
    assert "There are: centroids, mge+kmeans, random." in refused.value.message
    assert refused.value.violations[0].field == "campaign.strategy.expression"


def test_an_unknown_strategy_that_resembles_none_is_refused_without_a_guess() -> None:
    with pytest.raises(
        InvalidArgument, match=r"no strategy is called 'zzz'; There are: centroids, mge\+kmeans, random\."
    ):
        strategies.load("zzz")


def test_checking_a_name_loads_neither_numpy_nor_faiss() -> None:
    code = (
        "import sys; from aloft import strategies; strategies.check('random');"
        "sys.exit(', '.join({'numpy', 'faiss'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"loaded {done.stderr}: a service without NumPy could not check a campaign"


def test_what_scores_by_logits_starts_by_coverage_under_a_base_version() -> None:
    assert strategies.DEFAULT == "mge+kmeans"
    assert strategies.in_force("mge+kmeans", Standing(base=True)) == "centroids"
    assert strategies.in_force("mge+kmeans", Standing(base=False)) == "mge+kmeans"


@pytest.mark.parametrize("name", ["centroids", "random"])
def test_what_needs_no_logits_is_itself_under_any_version(name: str) -> None:
    assert {strategies.in_force(name, Standing(base=base)) for base in (True, False)} == {name}


@pytest.mark.parametrize("name", strategies.names())
def test_what_stands_in_under_a_base_version_reads_no_logits(name: str) -> None:
    needs = strategies.load(strategies.in_force(name, Standing(base=True))).needs
    assert not needs.logits


def test_random_reads_no_column_at_all() -> None:
    assert strategies.load("random").needs == Needs()
