"""`mge+kmeans`: batches that are uncertain and diverse, after Möllenbrok & Demir (arXiv:2306.06908).

Uncertainty by MGE and diversity by clustering are from their arXiv:2212.01165.
"""

from aloft.strategies import mge, spread
from aloft.strategies.strategy import Needs, Strategy

STRATEGY = Strategy("mge+kmeans", Needs(logits=True, candidates=True), mge.rank, spread.select)
