"""Makes campaigns, their images and their vendor, as an administrator does: through the public API alone."""

from collections.abc import Callable
from uuid import uuid4

import grpc
from google.longrunning.operations_pb2 import GetOperationRequest
from google.longrunning.operations_pb2_grpc import OperationsStub

from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.api.labels.v1 import campaign_service_pb2 as campaigns
from aloft.api.labels.v1 import image_service_pb2 as images
from aloft.api.labels.v1 import vendor_service_pb2 as vendors
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from aloft.api.labels.v1.image_service_pb2_grpc import ImageServiceStub
from aloft.api.labels.v1.vendor_service_pb2_grpc import VendorServiceStub
from aloft.demo.children import DemoFailed
from aloft.demo.plan import MANIFEST, VENDOR, Arm, Plan
from aloft.demo.scenes import KINDS


def wanted(plan: Plan, arm: Arm, checkpoint: str = "") -> labels.Campaign:
    """Write a campaign down. It learns from the pool first, or begins with weights that are there already."""
    made = labels.Campaign()
    for label, kind in KINDS.items():
        made.taxonomy.labels.add(id=label, display_name=kind.title)
    made.image_spec.height = made.image_spec.width = plan.size
    made.image_spec.bands = plan.bands
    made.strategy.expression = arm.strategy
    made.strategy.seed = plan.seed
    made.batch_policy.size = plan.batch_size
    made.budget.images = plan.budget
    made.held_out.imported = True
    made.base_model.architecture = plan.architecture
    if checkpoint:
        made.base_model.checkpoint_key = checkpoint
    else:
        _pretraining(plan, made.base_model.pretraining)
    _training(plan, made.training)
    return made


def _pretraining(plan: Plan, into: labels.Pretraining) -> None:
    into.method = "simclr"
    into.steps = plan.pretraining.steps
    into.batch_images = plan.pretraining.batch_images
    into.learning_rate = plan.pretraining.learning_rate
    into.seed = plan.seed


def _training(plan: Plan, into: labels.Training) -> None:
    into.mode = labels.Training.MODE_FULL if plan.training.full else labels.Training.MODE_PROBE
    into.steps = plan.training.steps
    into.batch_images = plan.training.batch_images
    into.learning_rate = plan.training.learning_rate
    into.seed = plan.seed


class Administrator:
    """Calls the label store with the administrator's key. `pause` is called while it waits."""

    def __init__(self, channel: grpc.Channel, pause: Callable[[], None]) -> None:
        self._channel = channel
        self._pause = pause

    def begin(self, arm: Arm, campaign: labels.Campaign) -> None:
        """Create a campaign, register its images, and start it."""
        stub = CampaignServiceStub(self._channel)
        stub.CreateCampaign(
            campaigns.CreateCampaignRequest(
                campaign_id=arm.campaign, campaign=campaign, request_id=str(uuid4())
            )
        )
        self._import(arm)
        stub.ResumeCampaign(campaigns.ResumeCampaignRequest(name=arm.name, request_id=str(uuid4())))

    def vendor_key(self, arms: tuple[Arm, ...]) -> str:
        """Make the vendor, and its key for these campaigns."""
        stub = VendorServiceStub(self._channel)
        vendor = vendors.Vendor(campaigns=[arm.name for arm in arms])
        request = vendors.CreateVendorRequest(vendor_id=VENDOR, vendor=vendor, request_id=str(uuid4()))
        created = stub.CreateVendor(request)
        return str(stub.CreateApiKey(vendors.CreateApiKeyRequest(principal=created.name)).secret)

    def _import(self, arm: Arm) -> None:
        manifest = images.ImportImagesRequest.Manifest(key=MANIFEST)
        request = images.ImportImagesRequest(parent=arm.name, manifest=manifest, request_id=str(uuid4()))
        operation = ImageServiceStub(self._channel).ImportImages(request)
        operations = OperationsStub(self._channel)  # type: ignore[no-untyped-call]  # googleapis publishes no types of its stubs
        while not operation.done:
            self._pause()
            operation = operations.GetOperation(GetOperationRequest(name=operation.name))
        if operation.HasField("error"):
            raise DemoFailed(f"the import failed: {operation.error.message}")
