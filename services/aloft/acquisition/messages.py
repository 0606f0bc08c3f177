"""What the contract has for what is kept in rows."""

from google.protobuf.timestamp_pb2 import Timestamp

from aloft.acquisition.store import rankings
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.kit import names


def ranking(found: rankings.Ranking) -> pb.Ranking:
    """Describe a ranking."""
    created = Timestamp()
    created.FromMicroseconds(found.created_us)
    return pb.Ranking(
        name=names.RANKING.format(found.campaign, found.id),
        model_version=found.version,
        generation=found.generation,
        strategy=found.strategy,
        seed=found.seed,
        images=found.images,
        digest=found.digest,
        label_revision=found.label_revision,
        create_time=created,
        left_out_images=found.left_out,
    )
