"""ImageService."""

# ruff: noqa: N802 (the contract names the methods)

from google.longrunning import operations_pb2

from aloft.api.labels.v1 import image_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transactions
from aloft.kit.errors import NotFound
from aloft.kit.jobs import Jobs
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.operations import operation_of
from aloft.kit.rpc.paging import page
from aloft.label_store import messages
from aloft.label_store.servicers.answering import answer_once
from aloft.label_store.store import campaigns, images
from aloft.label_store.use_cases import importing

_QUARANTINED = {
    service.Image.STATE_UNSPECIFIED: None,
    service.Image.STATE_REGISTERED: False,
    service.Image.STATE_QUARANTINED: True,
}


class ImageServicer:
    """The images of a campaign, for administrators and operators."""

    def __init__(self, database: Transactions, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs

    @allow(Role.ADMIN, Role.OPERATOR)
    def ImportImages(self, request: service.ImportImagesRequest, call: Call) -> operations_pb2.Operation:
        """Begin to register images."""
        return answer_once(
            self._database,
            call,
            request,
            operations_pb2.Operation,
            lambda tx: operation_of(self._jobs.get(tx, importing.enqueue(tx, self._jobs, request))),
        )

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetImage(self, request: service.GetImageRequest, call: Call) -> service.Image:
        """Read an image."""
        campaign, image = names.IMAGE.parse(request.name)
        with self._database.read() as tx:
            campaigns.get(tx, campaign)
            found = images.find(tx, campaign, image)
        if found is None:
            raise NotFound("IMAGE_NOT_FOUND", f"{request.name} does not exist", image=request.name)
        return messages.image(found)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListImages(self, request: service.ListImagesRequest, call: Call) -> service.ListImagesResponse:
        """Read images by id."""
        campaign = names.campaign_of(request.parent)
        wanted = page(request)
        after = str(wanted.after[0]) if wanted.after else ""
        with self._database.read() as tx:
            campaigns.get(tx, campaign)
            quarantined = _QUARANTINED.get(request.state)
            found = images.page(tx, campaign, after, wanted.size + 1, request.split, quarantined)
        shown, token = wanted.cut(found, lambda image: (image.id,))
        return service.ListImagesResponse(images=map(messages.image, shown), next_page_token=token)
