"""Which columns are to lie beside a version's logits."""

from aloft import strategies
from aloft.embedding.domain import Model
from aloft.embedding.store import campaigns
from aloft.kit.database import Transaction
from aloft.kit.errors import InvalidArgument


def needed(tx: Transaction, campaign: str, model: Model) -> tuple[str, ...]:
    """Name the columns that a campaign's strategy needs and a version can give.

    A strategy that is not understood here, where the package that brings it is not installed, gets none.
    """
    try:
        return model.columns(strategies.needs(campaigns.strategy(tx, campaign).expression).columns)
    except InvalidArgument:
        return ()
