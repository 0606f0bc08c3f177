"""VendorService and KeyService."""

# ruff: noqa: N802 (the contract names the methods)

from aloft.api.labels.v1 import vendor_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transactions
from aloft.kit.errors import Unauthenticated
from aloft.kit.rpc.call import Call, Role, allow
from aloft.kit.rpc.paging import page
from aloft.kit.rpc.verifiers import Verifier
from aloft.label_store import messages
from aloft.label_store.domain import texts
from aloft.label_store.servicers.answering import answer_once
from aloft.label_store.store import keys, vendors
from aloft.label_store.use_cases import principals


class VendorServicer:
    """Vendors and keys, for administrators."""

    def __init__(self, database: Transactions, pepper: str) -> None:
        self._database = database
        self._pepper = pepper

    @allow(Role.ADMIN)
    def CreateVendor(self, request: service.CreateVendorRequest, call: Call) -> service.Vendor:
        """Create a vendor."""
        return answer_once(
            self._database, call, request, service.Vendor, lambda tx: principals.create_vendor(tx, request)
        )

    @allow(Role.ADMIN, Role.OPERATOR)
    def GetVendor(self, request: service.GetVendorRequest, call: Call) -> service.Vendor:
        """Read a vendor."""
        with self._database.read() as tx:
            return principals.get_vendor(tx, request.name)

    @allow(Role.ADMIN, Role.OPERATOR)
    def ListVendors(self, request: service.ListVendorsRequest, call: Call) -> service.ListVendorsResponse:
        """Read vendors by id."""
        wanted = page(request)
        after = str(wanted.after[0]) if wanted.after else ""
        with self._database.read() as tx:
            found = vendors.page(tx, after, wanted.size + 1)
        shown, token = wanted.cut(found, lambda vendor: (vendor.id,))
        return service.ListVendorsResponse(vendors=map(messages.vendor, shown), next_page_token=token)

    @allow(Role.ADMIN)
    def CreateApiKey(self, request: service.CreateApiKeyRequest, call: Call) -> service.ApiKey:
        """Make a key, and show it this once."""
        with self._database.transaction() as tx:
            return principals.create_key(tx, request.principal, self._pepper)

    @allow(Role.ADMIN)
    def ListApiKeys(self, request: service.ListApiKeysRequest, call: Call) -> service.ListApiKeysResponse:
        """Read keys by id, without their secrets."""
        texts.check(request.principal, "principal")
        wanted = page(request)
        after = str(wanted.after[0]) if wanted.after else ""
        with self._database.read() as tx:
            found = keys.page(tx, request.principal, after, wanted.size + 1)
        shown, token = wanted.cut(found, lambda key: (key.id,))
        return service.ListApiKeysResponse(api_keys=map(messages.key, shown), next_page_token=token)

    @allow(Role.ADMIN)
    def RevokeApiKey(self, request: service.RevokeApiKeyRequest, call: Call) -> service.ApiKey:
        """End a key."""
        with self._database.transaction() as tx:
            return principals.revoke_key(tx, request)


class KeyServicer:
    """What the other services ask the label store."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    @allow(Role.SERVICE)
    def VerifyKey(self, request: service.VerifyKeyRequest, call: Call) -> service.VerifyKeyResponse:
        """Say whose key it is."""
        principal = self._verifier.verify(request.secret)
        if principal is None:
            raise Unauthenticated("KEY_INVALID", "the API key is unknown, expired or revoked")
        return service.VerifyKeyResponse(
            principal=principal.name,
            role=principal.role,
            campaigns=[names.CAMPAIGN.format(one) for one in sorted(principal.campaigns or ())],
        )
