"""Rankings and selections over gRPC, for operators."""

import re
from dataclasses import asdict

from aloft import strategies
from aloft.acquisition import listing, messages, ranking_pages, situation
from aloft.acquisition.asking import AskingServicer
from aloft.acquisition.domain.due import next_step, sentence
from aloft.acquisition.explaining_image import explain_image
from aloft.acquisition.store import batches, campaigns, rankings
from aloft.acquisition.store.campaigns import Campaign
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.kit import names
from aloft.kit.database import Transaction, Transactions
from aloft.kit.errors import InvalidArgument, NotFound
from aloft.kit.jobs import Jobs
from aloft.kit.objects.port import Objects
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.paging import page
from aloft.strategies import catalogue

_IMAGE = re.compile("[0-9a-f]{32}")


class AcquisitionServicer(AskingServicer):
    """Answers from the store, and queues what takes long."""

    def __init__(self, database: Transactions, objects: Objects, jobs: Jobs) -> None:
        super().__init__(database, jobs)
        self._objects = objects

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetRanking(self, request: pb.GetRankingRequest, call: Call) -> pb.Ranking:  # noqa: N802
        """Describe one ranking."""
        return messages.ranking(self._ranking(request.name, "name", call))

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListRankings(self, request: pb.ListRankingsRequest, call: Call) -> pb.ListRankingsResponse:  # noqa: N802
        """Describe the rankings of a campaign, newest first."""
        campaign = names.campaign_of(request.parent)
        wanted = page(request)
        with self._database.read() as tx:
            _known(tx, campaign, call)
            before = int(wanted.after[0]) if wanted.after else None
            found = rankings.page(tx, campaign, before, wanted.size + 1)
        shown, token = wanted.cut(found, lambda ranking: (ranking.number,))
        return pb.ListRankingsResponse(rankings=map(messages.ranking, shown), next_page_token=token)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListRankedImages(  # noqa: N802
        self, request: pb.ListRankedImagesRequest, call: Call
    ) -> pb.ListRankedImagesResponse:
        """Read a page of a ranking, best first."""
        found = self._ranking(request.parent, "parent", call)
        wanted = page(request)
        after = int(wanted.after[0]) if wanted.after else 0
        places = ranking_pages.page(self._objects, found.key, after, wanted.size + 1)
        shown, token = wanted.cut(places, lambda row: (row.place,))
        return pb.ListRankedImagesResponse(
            ranked_images=[pb.RankedImage(**asdict(each)) for each in shown], next_page_token=token
        )

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ExplainSelection(  # noqa: N802
        self, request: pb.ExplainSelectionRequest, call: Call
    ) -> pb.SelectionExplanation:
        """Say of one image which batches it was in and why, or why none."""
        campaign, image = names.IMAGE.parse(request.name)
        with self._database.read() as tx:
            _known(tx, campaign, call)
        if not _IMAGE.fullmatch(image):
            raise InvalidArgument.of("name", f"an image's id has 32 hexadecimal digits, {image!r} has not")
        return explain_image(self._database, self._objects, campaign, image, call.check)

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListStrategies(  # noqa: N802
        self, request: pb.ListStrategiesRequest, call: Call
    ) -> pb.ListStrategiesResponse:
        """Name what an expression of a strategy may be made of."""
        wanted = page(request)
        begin = int(wanted.after[0]) if wanted.after else 0
        numbered = list(enumerate(catalogue.entries(), 1))[begin:]
        shown, token = wanted.cut(numbered[: wanted.size + 1], lambda row: (row[0],))
        return pb.ListStrategiesResponse(
            strategies=[listing.part(entry) for _, entry in shown],
            next_page_token=token,
            default_expression=strategies.DEFAULT,
        )

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def ListSelectedImages(  # noqa: N802
        self, request: pb.ListSelectedImagesRequest, call: Call
    ) -> pb.ListSelectedImagesResponse:
        """Say which images a batch was made of, in the order in which they were chosen, and why each."""
        campaign, number = names.BATCH.parse_numbered(request.parent, "parent")
        wanted = page(request)
        with self._database.read() as tx:
            _known(tx, campaign, call)
            batch = batches.find(tx, campaign, number)
            if batch is None:
                what = f"{request.parent} was not selected here"
                raise NotFound("BATCH_NOT_FOUND", what, batch=request.parent)
            after = int(wanted.after[0]) if wanted.after else 0
            found = batches.picked(tx, campaign, number, after, wanted.size + 1)
        shown, token = wanted.cut(found, lambda row: (row[0],))
        return pb.ListSelectedImagesResponse(
            selected_images=[pb.SelectedImage(**asdict(pick)) for _, pick in shown],
            next_page_token=token,
            strategy=batch.strategy,
            model_version=batch.version,
        )

    @allow(Role.ADMIN, Role.OPERATOR, Role.SERVICE)
    def GetSelection(self, request: pb.GetSelectionRequest, call: Call) -> pb.Selection:  # noqa: N802
        """Say where the selection of a campaign stands, and what it waits for."""
        (campaign,) = names.SELECTION.parse(request.name)
        with self._database.read() as tx:
            known = _known(tx, campaign, call)
            newest = rankings.newest(tx, campaign)
            batch = batches.newest(tx, campaign)
            step = next_step(situation.read(tx, known))
            count = batches.count(tx, campaign)
        return pb.Selection(
            name=request.name,
            newest_ranking=names.RANKING.format(campaign, newest.id) if newest else "",
            open_batch=names.BATCH.format(campaign, batch.number) if batch and not batch.closed else "",
            selected_batches=count,
            applied_label_revision=known.applied_revision,
            waiting_for=sentence(step),
        )

    def _ranking(self, name: str, field: str, call: Call) -> rankings.Ranking:
        campaign, ranking = names.RANKING.parse(name, field)
        call.principal.require_campaign(campaign)
        with self._database.read() as tx:
            found = rankings.find(tx, campaign, ranking)
        if found is None:
            raise NotFound("RANKING_NOT_FOUND", f"{name} does not exist", ranking=name)
        return found


def _known(tx: Transaction, campaign: str, call: Call) -> Campaign:
    call.principal.require_campaign(campaign)
    found = campaigns.find(tx, campaign)
    if found is None:
        raise NotFound("CAMPAIGN_NOT_FOUND", f"campaigns/{campaign} does not exist", campaign=campaign)
    return found
