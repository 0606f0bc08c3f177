"""The section `objects`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from aloft.kit.objects.s3_config import S3Config
from aloft.kit.settings.section import EMBEDDED_SECRET, LOOPBACK, Section


class ObjectsSettings(Section):
    """Where objects lie: two buckets, Aloft's own and the user's images."""

    kind: Literal["directory", "s3"] = Field("directory", description="Folders, or any S3.")
    directory: Path = Field(
        Path(), description="Folder of Aloft's own objects; by default objects/ in the data folder."
    )
    pool_directory: Path = Field(
        Path(), description="Folder of the images, only read; by default pool/ in the data folder."
    )
    bucket: str = Field("aloft", min_length=3, max_length=63, description="S3: Aloft's own bucket.")
    pool_bucket: str = Field("pool", min_length=3, max_length=63, description="S3: bucket of the images.")
    endpoint: str = Field("", description="S3: where the services reach it, https://host[:port].")
    access_key: str = Field("", description="S3: the account's access key.")
    secret_key: SecretStr = Field(SecretStr(""), description="S3: the account's secret key.")
    region: str = Field("us-east-1", min_length=1, description="S3: the region that URLs are signed for.")
    ca_file: Path | None = Field(None, description="S3: PEM file of authorities to trust.")
    public_url: str | None = Field(
        None, description="Where vendors reach the images' URLs, if not where the services do."
    )
    http_host: str = Field("127.0.0.1", description="Directory: address of the images' HTTP server.")
    http_port: int = Field(0, ge=0, le=65535, description="Directory: its port; 0 takes any free one.")
    signing_secret: SecretStr = Field(
        EMBEDDED_SECRET, min_length=32, description="Directory: signs the images' URLs."
    )

    @model_validator(mode="after")
    def _complete(self) -> "ObjectsSettings":
        if self.kind == "s3":
            try:
                self.s3_config()
            except ValueError as error:
                raise ValueError(f"ALOFT_OBJECTS__*: {error}") from None
        if self.kind == "s3" and self.bucket == self.pool_bucket:
            raise ValueError(
                f"ALOFT_OBJECTS__POOL_BUCKET is {self.bucket}, as ALOFT_OBJECTS__BUCKET is:"
                " Aloft never writes beside the images, so name two buckets"
            )
        if (
            self.kind == "directory"
            and self.http_host not in LOOPBACK
            and self.signing_secret == EMBEDDED_SECRET
        ):
            raise ValueError(
                "ALOFT_OBJECTS__SIGNING_SECRET is the embedded default, which everybody knows, but"
                f" ALOFT_OBJECTS__HTTP_HOST is {self.http_host}: set it to 32 random characters or more"
            )
        return self

    def s3_config(self) -> S3Config:
        """Make what the S3 adapter takes."""
        return S3Config(
            endpoint=self.endpoint,
            access_key=self.access_key,
            secret_key=self.secret_key.get_secret_value(),
            region=self.region,
            public_url=self.public_url,
            ca_file=self.ca_file,
        )
