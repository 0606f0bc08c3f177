"""What only a network between Aloft and a real MinIO can show."""

import datetime
import socket
import subprocess
import sys
import textwrap
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from minio import Minio

from aloft.kit.objects.errors import ObjectMissing, StoreRefused, StoreUnavailable
from aloft.kit.objects.port import ByteRange
from aloft.kit.objects.s3 import S3Objects
from aloft.kit.objects.s3_config import SMALLEST_PART, S3Config
from tests.integration.store_proxy import StoreProxy
from tests.stack.minio import Minio as MinioServer

PUBLIC_NAME = "objects.example.test"


@pytest.fixture
def admin(minio: MinioServer) -> Minio:
    return Minio(minio.endpoint, minio.access_key, minio.secret_key, secure=False)


@pytest.fixture
def bucket(admin: Minio) -> str:
    name = f"integration-{uuid.uuid4().hex[:12]}"
    admin.make_bucket(name)
    return name


@pytest.fixture
def config(minio: MinioServer) -> S3Config:
    return S3Config(minio.url, minio.access_key, minio.secret_key, part_bytes=SMALLEST_PART, attempts=2)


@pytest.fixture
def direct(config: S3Config, bucket: str) -> Iterator[S3Objects]:
    yield from opened(config, bucket)


@pytest.fixture
def proxy(minio: MinioServer) -> Iterator[StoreProxy]:
    with StoreProxy(minio.endpoint).running() as running:
        yield running


@pytest.fixture
def through_proxy(config: S3Config, bucket: str, proxy: StoreProxy) -> Iterator[S3Objects]:
    yield from opened(replace(config, endpoint=f"http://127.0.0.1:{proxy.port}"), bucket)


def opened(config: S3Config, bucket: str) -> Iterator[S3Objects]:
    objects = S3Objects(config, bucket)
    yield objects
    objects.close()


def fetch_from_loopback(url: str) -> bytes:
    """Fetch as one whose name server gives 127.0.0.1 for the public name: the Host header is the URL's."""
    public = urllib.request.Request(url)
    address = url.replace(PUBLIC_NAME, "127.0.0.1", 1)
    request = urllib.request.Request(address, headers={"Host": public.host})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())


@pytest.fixture
def published(config: S3Config, bucket: str, proxy: StoreProxy) -> Iterator[S3Objects]:
    yield from opened(replace(config, public_url=f"http://{PUBLIC_NAME}:{proxy.port}"), bucket)


def test_a_signed_url_opens_through_a_proxy_under_another_host_name(
    published: S3Objects, proxy: StoreProxy
) -> None:
    key, data = "campaigns/c/images/0a1b", bytes(range(256)) * 5000
    published.put(key, data)
    url = published.signed_url(key, 60)
    assert url.startswith(f"http://{PUBLIC_NAME}:{proxy.port}/"), "vendors are sent to another host"
    assert fetch_from_loopback(url) == data
    assert proxy.hosts == [f"{PUBLIC_NAME}:{proxy.port}"]


def test_a_signed_url_is_refused_behind_a_proxy_that_renames_the_host(
    published: S3Objects, proxy: StoreProxy
) -> None:
    published.put("key", b"data")
    proxy.rewrites_host = True
    with pytest.raises(urllib.error.HTTPError) as error:
        fetch_from_loopback(published.signed_url("key", 60))
    with error.value:
        assert error.value.code == 403


def test_signing_asks_nobody(config: S3Config, bucket: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening: whoever connects is refused
        unreachable = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for objects in opened(replace(config, endpoint=unreachable), bucket):
            assert objects.signed_url("key", 60).startswith(unreachable)
            with pytest.raises(StoreUnavailable, match="stat 'key' in bucket"):
                objects.stat("key")


@pytest.mark.parametrize("length", [SMALLEST_PART - 1000, 3 * SMALLEST_PART], ids=["one-request", "parts"])
@pytest.mark.parametrize("cut", [1, SMALLEST_PART // 2, SMALLEST_PART - 2000])
def test_an_upload_that_breaks_off_is_never_visible(
    through_proxy: S3Objects,
    direct: S3Objects,
    admin: Minio,
    bucket: str,
    proxy: StoreProxy,
    length: int,
    cut: int,
) -> None:
    proxy.breaks_bodies_after = (length - SMALLEST_PART if length > SMALLEST_PART else 0) + cut
    with pytest.raises(StoreUnavailable, match="put 'shard'"):
        through_proxy.put("shard", b"x" * length)
    assert proxy.bytes_passed >= proxy.breaks_bodies_after, "the upload never came so far"
    with pytest.raises(ObjectMissing):
        direct.stat("shard")
    assert list(direct.list()) == []
    assert admin._list_multipart_uploads(bucket, prefix="shard").uploads == [], "parts take up space unseen"
    proxy.breaks_bodies_after = None
    through_proxy.put("shard", b"y" * length, only_new=True)
    assert direct.get("shard") == b"y" * length


def test_a_writer_that_is_killed_leaves_nothing_to_be_seen(
    config: S3Config, direct: S3Objects, bucket: str
) -> None:
    program = textwrap.dedent(
        f"""
        import os, signal
        from aloft.kit.objects.s3 import S3Objects
        from aloft.kit.objects.s3_config import S3Config

        def source():
            for _ in range(12):
                yield b"x" * (1 << 20)
            os.kill(os.getpid(), signal.SIGKILL)

        keys = {config.access_key!r}, {config.secret_key!r}
        config = S3Config({config.endpoint!r}, *keys, part_bytes={SMALLEST_PART})
        S3Objects(config, {bucket!r}).put("shard", source())
        """
    )
    killed = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, timeout=60)
    assert killed.returncode == -9, killed.stderr.decode()
    assert list(direct.list()) == []


def test_ranges_far_apart_are_each_one_request_and_near_ones_share_one(
    through_proxy: S3Objects, direct: S3Objects, proxy: StoreProxy
) -> None:
    data = bytes(range(256)) * 40_000
    direct.put("shard", data)
    asked = [ByteRange(start, 1536) for start in range(0, len(data) - 1536, 500_000)]
    near = [ByteRange(r.start + 3000, 100) for r in asked]
    assert through_proxy.ranges("shard", asked + near, gap=2000) == [
        data[r.start : r.end] for r in asked + near
    ]
    assert len(proxy.seen) == len(asked)


def test_an_answer_that_breaks_off_is_an_error_and_reading_begins_again(
    config: S3Config, bucket: str
) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"
    with AnswersInTurn([half, whole, half]) as server:
        for objects in opened(replace(config, endpoint=server.url), bucket):
            assert objects.get("key") == b"whole"
            with pytest.raises(StoreUnavailable, match="get 'key'"), objects.stream("key") as pieces:
                b"".join(pieces)


def test_a_missing_bucket_and_a_wrong_key_are_named(config: S3Config, bucket: str) -> None:
    for objects in opened(config, "no-such-bucket"):
        with pytest.raises(StoreRefused, match=r"list in bucket 'no-such-bucket': NoSuchBucket"):
            list(objects.list())
    for objects in opened(replace(config, secret_key="another-secret"), bucket):
        with pytest.raises(StoreRefused, match=rf"put 'key' in bucket '{bucket}': SignatureDoesNotMatch"):
            objects.put("key", b"data")


def test_a_store_behind_an_own_certificate_authority_is_trusted_only_when_it_is_named(
    config: S3Config, bucket: str, minio: MinioServer, tmp_path: Path
) -> None:
    certificate, key = self_signed(tmp_path)
    with StoreProxy(minio.endpoint).running(tls=(certificate, key)) as proxy:
        secure = replace(config, endpoint=f"https://127.0.0.1:{proxy.port}", attempts=1)
        for objects in opened(replace(secure, ca_file=certificate), bucket):
            objects.put("key", b"data")
            assert objects.get("key") == b"data"
        for objects in opened(secure, bucket):
            with pytest.raises(StoreUnavailable, match="certificate verify failed"):
                objects.get("key")


class AnswersInTurn:
    """A server that gives prepared bytes, one answer a connection, and hangs up."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "AnswersInTurn":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._listener.close()
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        for answer in self._answers:
            connection, _ = self._listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "object store of a test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1)
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "store.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "store.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "store.pem", folder / "store.key"
