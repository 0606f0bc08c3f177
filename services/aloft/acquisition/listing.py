"""The catalogue of strategies as the contract has it."""

from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.strategies.entry import Entry, Kind, Needs

_KINDS = {
    Kind.ALONE: pb.StrategyPart.KIND_ALONE,
    Kind.SCORE: pb.StrategyPart.KIND_SCORE,
    Kind.WRAPPER: pb.StrategyPart.KIND_WRAPPER,
    Kind.DIVERSITY: pb.StrategyPart.KIND_DIVERSITY,
}
_NEEDS = ("features", "logits", "candidates", "covered", "earlier")


def part(entry: Entry) -> pb.StrategyPart:
    """Describe one name of the catalogue."""
    return pb.StrategyPart(
        name=entry.name,
        kind=_KINDS[entry.kind],
        summary=entry.summary,
        parameters=[
            pb.StrategyPart.Parameter(
                name=each.name,
                summary=each.summary,
                type=each.type,
                default_value=each.default,
                least=each.least,
                most=each.most,
            )
            for each in entry.parameters
        ],
        needs=_names(entry.needs),
        cost=entry.cost,
        package=entry.package,
    )


def _names(needs: Needs) -> list[str]:
    return [name for name in _NEEDS if getattr(needs, name)] + list(needs.columns)
