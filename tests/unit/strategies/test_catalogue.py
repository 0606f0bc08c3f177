import subprocess
import sys

import pytest

from aloft import strategies
from aloft.kit.errors import InvalidArgument


@pytest.mark.parametrize("name", strategies.names())
def test_each_strategy_is_loaded_under_its_own_name(name: str) -> None:
    assert strategies.load(name).name == name


def test_an_unknown_strategy_is_refused_with_the_near_ones_and_all_of_them() -> None:
    with pytest.raises(InvalidArgument) as refused:
        strategies.check("centroid")
    assert refused.value.reason == "UNKNOWN_STRATEGY"
    assert "did you mean centroids?" in refused.value.message
    assert "There are: centroids, random." in refused.value.message
    assert refused.value.violations[0].field == "campaign.strategy.expression"


def test_an_unknown_strategy_that_resembles_none_is_refused_without_a_guess() -> None:
    with pytest.raises(InvalidArgument, match=r"no strategy is called 'zzz'; There are: centroids, random\."):
        strategies.load("zzz")


def test_checking_a_name_loads_neither_numpy_nor_faiss() -> None:
    code = (
        "import sys; from aloft import strategies; strategies.check('random');"
        "sys.exit(', '.join({'numpy', 'faiss'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"loaded {done.stderr}: a service without NumPy could not check a campaign"
