"""Signed URLs of a directory: what a token opens, and what the server answers."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.kit.clock import ManualClock
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.http import SignedObjectServer
from aloft.kit.objects.port import CHUNK
from aloft.kit.objects.signing import TokenRefused, UrlSigner

SECRET = bytes(range(32))
PUBLIC = "https://labels.example.test/api/"


def signer(
    clock: ManualClock, *, secret: bytes = SECRET, bucket: str = "aloft", public: str = PUBLIC
) -> UrlSigner:
    return UrlSigner(secret, public, bucket, clock)


def token(url: str) -> str:
    return url.rpartition("/")[2]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(1, 10**6))
def test_a_token_opens_its_key_until_it_expires_and_not_at_that_moment(key: str, seconds: int) -> None:
    clock = ManualClock()
    url = signer(clock).url(key, seconds)
    assert url.startswith("https://labels.example.test/api/objects/")
    assert signer(clock).open(token(url)) == key
    clock.advance(seconds - 0.000_001)
    assert signer(clock).open(token(url)) == key
    clock.advance(0.000_001)
    with pytest.raises(TokenRefused, match="expired") as refused:
        signer(clock).open(token(url))
    assert refused.value.reason == "EXPIRED"


@given(st.data())
def test_a_token_with_any_character_changed_opens_nothing(data: st.DataObject) -> None:
    clock = ManualClock()
    good = token(signer(clock).url("campaigns/c/images/0", 60))
    at = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.characters(min_codepoint=0x21, max_codepoint=0x17F).filter(lambda c: c != good[at]))
    with pytest.raises(TokenRefused):
        signer(clock).open(good[:at] + other + good[at + 1 :])


@given(st.text())
def test_a_made_up_token_opens_nothing(text: str) -> None:
    with pytest.raises(TokenRefused):
        signer(ManualClock()).open(text)


def test_a_token_of_another_secret_or_bucket_opens_nothing() -> None:
    clock = ManualClock()
    for other, reason in (
        (signer(clock, secret=bytes(32)), "BAD_SIGNATURE"),
        (signer(clock, bucket="pool"), "OTHER_BUCKET"),
    ):
        with pytest.raises(TokenRefused) as refused:
            signer(clock).open(token(other.url("key", 60)))
        assert refused.value.reason == reason


def test_a_weak_secret_and_a_url_that_is_none_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 32 random bytes, not 5"):
        signer(ManualClock(), secret=b"short")
    with pytest.raises(ValueError, match="public_url must be like https://"):
        signer(ManualClock(), public="labels.example.test")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def served(tmp_path: Path, clock: ManualClock) -> Iterator[tuple[DirectoryObjects, int]]:
    objects = DirectoryObjects(tmp_path, signer=signer(clock))
    server = SignedObjectServer(objects, signer(clock), "127.0.0.1", 0)
    server.start()
    yield objects, server.port
    server.close()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def path_of(objects: DirectoryObjects, key: str) -> str:
    return objects.signed_url(key, 60).removeprefix("https://labels.example.test")


def test_get_head_and_range_give_exactly_the_bytes(served: tuple[DirectoryObjects, int]) -> None:
    objects, port = served
    data = bytes(i % 251 for i in range(2 * CHUNK + 17))
    info = objects.put("images/0", data)
    path = path_of(objects, "images/0")
    status, headers, body = ask(port, path)
    assert (status, body == data, headers["ETag"]) == (200, True, f'"{info.etag}"')
    status, headers, body = ask(port, path, "HEAD")
    assert (status, headers["Content-Length"], body) == (200, str(len(data)), b"")
    status, headers, body = ask(port, path, Range=f"bytes=5-{CHUNK + 5}")
    assert (status, body == data[5 : CHUNK + 6]) == (206, True)
    assert headers["Content-Range"] == f"bytes 5-{CHUNK + 5}/{len(data)}"
    assert ask(port, path, Range=f"bytes={len(data)}-")[0] == 416
    objects.put("images/empty", b"")
    assert ask(port, path_of(objects, "images/empty"))[::2] == (200, b"")


def test_what_is_refused_says_why(served: tuple[DirectoryObjects, int], clock: ManualClock) -> None:
    objects, port = served
    objects.put("images/0", b"data")
    good = path_of(objects, "images/0")
    gone = path_of(objects, "images/1")
    for path, status, reason in (
        (good[:-1] + ("0" if good[-1] != "0" else "1"), 403, "BAD_SIGNATURE"),
        ("/objects/none", 403, "MALFORMED"),
        ("/etc/passwd", 404, "NO_SUCH_PATH"),
        (gone, 404, "OBJECT_MISSING"),
    ):
        answer = ask(port, path)
        assert (answer[0], json.loads(answer[2])["reason"]) == (status, reason), path
    clock.advance(60)
    answer = ask(port, good)
    assert (answer[0], json.loads(answer[2])["reason"]) == (403, "EXPIRED")
    assert b"images/0" not in answer[2], "a refusal betrays the key"


def test_only_reading_is_allowed(served: tuple[DirectoryObjects, int]) -> None:
    objects, port = served
    objects.put("images/0", b"data")
    assert ask(port, path_of(objects, "images/0"), "DELETE")[0] == 501
    assert objects.get("images/0") == b"data"


def test_a_closed_server_frees_its_port(tmp_path: Path, clock: ManualClock) -> None:
    objects = DirectoryObjects(tmp_path, signer=signer(clock))
    first = SignedObjectServer(objects, signer(clock), "127.0.0.1", 0)
    first.start()
    first.close()
    second = SignedObjectServer(objects, signer(clock), "127.0.0.1", first.port)
    second.close()
