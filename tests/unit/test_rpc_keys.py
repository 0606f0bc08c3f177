"""API keys, and whose they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.kit.clock import ManualClock
from aloft.kit.errors import NotFound, Unavailable
from aloft.kit.rpc import keys
from aloft.kit.rpc.call import Principal, Role
from aloft.kit.rpc.verifiers import ChainVerifier, RemoteVerifier, ServiceKeyVerifier

PEPPER = "p" * 32
SECRET = "s" * 32
NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,30}", fullmatch=True)
ACME = Principal("vendors/acme", Role.VENDOR, frozenset({"forests"}))


@given(st.sampled_from(Role))
def test_a_minted_key_parses_and_matches_its_hash_alone(role: Role) -> None:
    minted, other = keys.mint(role, PEPPER), keys.mint(role, PEPPER)
    parsed = keys.parse(minted.key)
    assert parsed is not None, f"{minted.key} does not parse"
    assert (parsed.role, parsed.id) == (role, minted.id), "the key forgot its role or its id"
    assert keys.matches(minted.key, PEPPER, minted.hash), "a key does not match the hash made with it"
    assert not keys.matches(other.key, PEPPER, minted.hash), "another key matches"
    assert not keys.matches(minted.key, "q" * 32, minted.hash), "the pepper does not matter"
    assert minted.key not in repr(minted), "the key shows in logs"
    assert parsed.secret not in repr(parsed), "the secret shows in logs"


@given(NAMES, st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_service_key_with_any_digit_changed_is_nobodys(name: str, place: int, digit: str) -> None:
    key = keys.service_key(SECRET, name)
    verifier = ServiceKeyVerifier([SECRET])
    assert verifier.verify(key) == Principal(f"services/{name}", Role.SERVICE), f"{key} is not known"
    at = len(key) - 64 + place
    forged = key[:at] + digit + key[at + 1 :]
    assert forged == key or verifier.verify(forged) is None, f"{forged} is taken for {key}"


@given(st.text(max_size=120))
def test_what_is_no_key_is_nobodys(text: str) -> None:
    assert keys.parse(text) is None, f"{text!r} was taken for a key"
    assert ServiceKeyVerifier([SECRET]).verify(text) is None, f"{text!r} opened something"


def test_a_service_key_cannot_be_used_as_another_service_or_role() -> None:
    key = keys.service_key(SECRET, "embedding")
    verifier = ServiceKeyVerifier([SECRET])
    assert verifier.verify(key.replace("embedding", "trainer")) is None, "a service became another"
    assert verifier.verify(key.replace("_service_", "_admin_")) is None, "a service became an administrator"


def test_a_service_secret_is_rotated_while_both_are_honoured() -> None:
    old = keys.service_key(SECRET, "trainer")
    both, new = ServiceKeyVerifier(["n" * 32, SECRET]), ServiceKeyVerifier(["n" * 32])
    assert both.verify(old) is not None, "the last secret is refused during the rotation"
    assert new.verify(old) is None, "the last secret is honoured after the rotation"


def test_a_name_that_cannot_be_in_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be in a key"):
        keys.service_key(SECRET, "Label Store")


class Book:
    """What a label store would answer, and how often it was asked."""

    def __init__(self) -> None:
        self.known: dict[str, Principal] = {}
        self.asked = 0
        self.away = False

    def __call__(self, key: str) -> Principal | None:
        self.asked += 1
        if self.away:
            raise Unavailable("UNREACHABLE", "the label store is away")
        return self.known.get(key)


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


KEY = keys.mint(Role.VENDOR, PEPPER).key


def test_an_answer_is_remembered_for_ten_seconds_and_a_revoked_key_no_longer(
    book: Book, clock: ManualClock
) -> None:
    verifier = RemoteVerifier(book, clock=clock)
    book.known[KEY] = ACME
    assert [verifier.verify(KEY) for _ in range(3)] == [ACME] * 3, "the key is not known"
    assert book.asked == 1, f"the label store was asked {book.asked} times for one answer"
    book.known.clear()
    clock.advance(10)
    assert verifier.verify(KEY) is None, "a key revoked ten seconds ago still opens"


def test_a_new_key_opens_within_two_seconds_of_being_refused(book: Book, clock: ManualClock) -> None:
    verifier = RemoteVerifier(book, clock=clock)
    assert verifier.verify(KEY) is None, "an unknown key opened"
    book.known[KEY] = ACME
    assert verifier.verify(KEY) is None, "a refusal was not remembered"
    clock.advance(2)
    assert verifier.verify(KEY) == ACME, "a refusal is remembered for too long"


def test_a_label_store_that_is_away_is_an_error_and_not_a_refusal(book: Book, clock: ManualClock) -> None:
    verifier = RemoteVerifier(book, clock=clock)
    book.away = True
    with pytest.raises(Unavailable):
        verifier.verify(KEY)
    book.away, book.known[KEY] = False, ACME
    assert verifier.verify(KEY) == ACME, "the error was remembered as an answer"


def test_what_is_remembered_is_bounded(book: Book, clock: ManualClock) -> None:
    verifier = RemoteVerifier(book, clock=clock, capacity=10)
    many = [keys.mint(Role.VENDOR, PEPPER).key for _ in range(20)]
    for key in many:
        verifier.verify(key)
    verifier.verify(many[0])
    assert book.asked == 21, "twenty keys are remembered where ten have room"
    verifier.verify("not a key at all")
    assert book.asked == 21, "the label store is asked about what cannot be a key"


def test_a_chain_asks_the_next_where_one_does_not_know(book: Book, clock: ManualClock) -> None:
    book.known[KEY] = ACME
    chain = ChainVerifier(ServiceKeyVerifier([SECRET]), RemoteVerifier(book, clock=clock))
    service = chain.verify(keys.service_key(SECRET, "embedding"))
    assert service == Principal("services/embedding", Role.SERVICE), "the first of the chain does not answer"
    assert book.asked == 0, "the label store was asked for a service's key"
    assert chain.verify(KEY) == ACME, "the second of the chain does not answer"


def test_a_campaign_that_a_vendor_may_not_see_does_not_exist_for_it() -> None:
    ACME.require_campaign("forests")
    with pytest.raises(NotFound, match="campaigns/cities does not exist"):
        ACME.require_campaign("cities")
    Principal("operators/x", Role.OPERATOR).require_campaign("cities")
