"""`bald`: how much the answers of a network disagree with one another when parts of it are left out."""

from functools import partial

from aloft.strategies import column
from aloft.strategies.pool import Pool
from aloft.strategies.scoring import Scorer


def scorer(pool: Pool) -> Scorer:
    """Score each image by the mean over labels of I_c = H(p̄_c) − (1/T) Σ_t H(p_ct), the column `bald`.

    Embedding writes it from T passes with dropout before the head; p̄ is their mean. Each label is a question
    of its own, so there is a mutual information for each. After Houlsby, Huszár, Ghahramani & Lengyel, 2011
    (arXiv:1112.5745) and, with dropout, Gal, Islam & Ghahramani, ICML 2017 (arXiv:1703.02910).
    """
    return partial(column.score, name="bald")
