"""How connections to S3 are made: whom they trust, how long they wait, how often they try."""

from urllib.parse import urlsplit

from minio import Minio
from urllib3 import PoolManager, Retry, Timeout

from aloft.kit.objects.s3_config import S3Config


def client(config: S3Config, endpoint: str, http: PoolManager) -> Minio:
    """Make a client that signs for one of the store's addresses."""
    parts = urlsplit(endpoint)
    return Minio(
        parts.netloc,
        access_key=config.access_key,
        secret_key=config.secret_key,
        secure=parts.scheme == "https",
        region=config.region,
        http_client=http,
    )


def connections(config: S3Config) -> PoolManager:
    """Make the pool of connections: verified, with bounded waits and retries."""
    retries = Retry(
        total=config.attempts - 1,
        backoff_factor=0.1,
        backoff_max=2.0,
        status_forcelist=(500, 502, 503, 504),
        raise_on_status=False,
        # MinIO asks for minutes while it starts; how long to wait is for the caller to say.
        respect_retry_after_header=False,
    )
    return PoolManager(
        maxsize=4 * config.parallel_ranges,
        timeout=Timeout(connect=config.connect_timeout_s, read=config.read_timeout_s),
        retries=retries,
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(config.ca_file) if config.ca_file else None,
    )
