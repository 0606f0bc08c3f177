"""Vendors and API keys: who may call, and how they prove it."""

from aloft.api.labels.v1 import vendor_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transaction, Transactions
from aloft.kit.errors import FailedPrecondition, FieldViolation, InvalidArgument, NotFound
from aloft.kit.ids import SLUG_RULE, is_slug
from aloft.kit.rpc import keys as secrets
from aloft.kit.rpc.call import Principal, Role
from aloft.label_store import messages
from aloft.label_store.domain import texts
from aloft.label_store.domain.durations import LONGEST_US, TOO_LONG
from aloft.label_store.store import campaigns, keys, vendors
from aloft.label_store.store.keys import Key
from aloft.label_store.store.vendors import Vendor

MAX_LEASES = 1000
FIRST_ADMINISTRATOR = "admins/first"
_ROLES = {names.VENDOR: Role.VENDOR, names.OPERATOR: Role.OPERATOR, names.ADMIN: Role.ADMIN}


def create_vendor(tx: Transaction, request: service.CreateVendorRequest) -> service.Vendor:
    """Create a vendor that may label for some campaigns."""
    wrong: list[FieldViolation] = []
    if not is_slug(request.vendor_id):
        wrong.append(FieldViolation("vendor_id", SLUG_RULE))
    wrong += texts.violations_of(request.vendor.display_name, "vendor.display_name")
    if request.vendor.max_leases < 0:
        wrong.append(FieldViolation("vendor.max_leases", f"must not be negative; 0 means {MAX_LEASES}"))
    scope: dict[str, None] = {}
    for index, name in enumerate(request.vendor.campaigns):
        field = f"vendor.campaigns[{index}]"
        (campaign,) = names.CAMPAIGN.parse(name, field)
        if campaigns.find(tx, campaign) is None:
            wrong.append(FieldViolation(field, f"{name} does not exist; create it first"))
        scope[campaign] = None
    if wrong:
        message = "; ".join(f"{violation.field}: {violation.description}" for violation in wrong)
        raise InvalidArgument("INVALID_VENDOR", message, tuple(wrong))
    limit = request.vendor.max_leases or MAX_LEASES
    vendor = Vendor(request.vendor_id, request.vendor.display_name, limit, tuple(sorted(scope)))
    vendors.insert(tx, vendor)
    return messages.vendor(_vendor(tx, vendor.id))


def _vendor(tx: Transaction, vendor: str) -> Vendor:
    found = vendors.find(tx, vendor)
    if found is None:
        raise vendors.unknown(vendor)
    return found


def get_vendor(tx: Transaction, name: str) -> service.Vendor:
    """Read a vendor, or raise `NotFound`."""
    return messages.vendor(_vendor(tx, *names.VENDOR.parse(name)))


def create_key(tx: Transaction, principal: str, pepper: str) -> service.ApiKey:
    """Make one more key for a principal, beside those it has, and show its secret."""
    role = _role_of(tx, principal)
    minted = secrets.mint(role, pepper)
    return messages.key(keys.insert(tx, Key(minted.id, minted.hash, principal)), minted.key)


def _role_of(tx: Transaction, principal: str) -> Role:
    for pattern, role in _ROLES.items():
        if principal.startswith(pattern.pattern.split("/")[0] + "/"):
            (identifier,) = pattern.parse(principal, "principal")
            if role is Role.VENDOR:
                _vendor(tx, identifier)
            elif not is_slug(identifier):
                raise InvalidArgument.of("principal", SLUG_RULE)
            return role
    asked = ", ".join(pattern.pattern for pattern in _ROLES)
    raise InvalidArgument.of("principal", f"must be one of {asked}, not {principal!r}")


def revoke_key(tx: Transaction, request: service.RevokeApiKeyRequest) -> service.ApiKey:
    """End a key, now or after a grace in which its successor takes over. It never lives longer by that."""
    grace = request.grace.ToMicroseconds()
    if grace < 0:
        raise InvalidArgument.of("grace", "must not be negative; leave it out to end the key at once")
    if grace > LONGEST_US:
        raise InvalidArgument.of("grace", TOO_LONG)
    (identifier,) = names.API_KEY.parse(request.name)
    keys.expire(tx, identifier, grace)
    found = keys.find(tx, identifier)
    if found is None:
        raise NotFound("API_KEY_NOT_FOUND", f"{request.name} does not exist")
    return messages.key(found)


def bootstrap(tx: Transaction, pepper: str) -> str:
    """Make the first administrator's key, once, and return it: nothing shows it again."""
    tx.lock("bootstrap")
    if keys.any_administrator(tx):
        raise FailedPrecondition(
            "ALREADY_BOOTSTRAPPED",
            "there is an administrator's key already; an administrator makes further ones",
        )
    return create_key(tx, FIRST_ADMINISTRATOR, pepper).secret


class DatabaseVerifier:
    """Knows every key that was made here, as it is now: a revoked one ends with its next call."""

    def __init__(self, database: Transactions, pepper: str) -> None:
        self._database = database
        self._pepper = pepper

    def verify(self, key: str) -> Principal | None:
        """Name the caller, None if the key is unknown or has ended."""
        said = secrets.parse(key)
        if said is None or said.role is Role.SERVICE:
            return None
        with self._database.read() as tx:
            found = keys.find_live(tx, said.id)
            if found is None or not secrets.matches(key, self._pepper, found.hash):
                return None
            scope = None
            if said.role is Role.VENDOR:
                scope = vendors.campaigns_of(tx, *names.VENDOR.parse(found.principal))
        return Principal(found.principal, said.role, scope)
