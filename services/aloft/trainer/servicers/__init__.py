"""TrainerService, in parts by what its methods speak of: runs, versions, serving."""

from aloft.trainer.servicers.models import ModelCalls
from aloft.trainer.servicers.runs import RunCalls
from aloft.trainer.servicers.serving import ServingCalls

__all__ = ["TrainerServicer"]


class TrainerServicer(RunCalls, ModelCalls, ServingCalls):
    """All of its methods."""
