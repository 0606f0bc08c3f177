"""`mll`: the loss that the network expects of itself, which a head beside the classifier has learned."""

from functools import partial

from aloft.strategies import column
from aloft.strategies.pool import Pool
from aloft.strategies.scoring import Scorer


def scorer(pool: Pool) -> Scorer:
    """Score each image by l̂_i, the column `mll` as embedding wrote it.

    The head reads several stages of the backbone and is trained by ranking pairs, by their losses l and
    s = sign(l_i − l_j): max(0, ξ − s (l̂_i − l̂_j)). So l̂ has an order and no unit. After Yoo & Kweon, Learning
    Loss for Active Learning, CVPR 2019 (arXiv:1905.03677).
    """
    return partial(column.score, name="mll")
