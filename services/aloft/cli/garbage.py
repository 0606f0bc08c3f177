"""`aloft gc`: what nothing needs any more in a campaign's part of the aloft bucket."""

from typing import Annotated, Any

import typer

from aloft.api.embedding.v1.embedding_service_pb2 import CollectPoolGarbageRequest
from aloft.api.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from aloft.api.trainer.v1.trainer_service_pb2 import CollectModelGarbageRequest
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.cli.connection import Json, connection
from aloft.cli.output import err, out, rows


def gc(
    campaign: str,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    json: Json = False,
) -> None:
    """Remove old features and what unfinished runs left. Logits, cards, archives and weights stay."""
    name, server = f"campaigns/{campaign}", connection()
    with server.to("embedding") as opened:
        pool = CollectPoolGarbageRequest(name=f"{name}/pool", dry_run=dry_run)
        of_pool = EmbeddingServiceStub(opened).CollectPoolGarbage(pool)
    with server.to("trainer") as opened:
        model = CollectModelGarbageRequest(parent=name, dry_run=dry_run)
        of_models = TrainerServiceStub(opened).CollectModelGarbage(model)
    items: list[dict[str, Any]] = [
        {"of": of, "objects": said.objects, "bytes": said.bytes, "keys": list(said.keys)}
        for of, said in (("pool", of_pool), ("models", of_models))
    ]
    title = "Would be removed" if dry_run else "Removed"
    rows(title, ("of", "objects", "bytes"), items, json)
    if of_pool.lost_objects:
        told = "would be made anew" if dry_run else "are made anew"
        err.print(f"{of_pool.lost_objects} objects of the pool are gone from the bucket: they {told}")
    if dry_run and not json:
        out.print("\n".join(key for item in items for key in item["keys"]), soft_wrap=True, markup=False)
