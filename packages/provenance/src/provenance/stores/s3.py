"""S3, and stores that speak its protocol, by boto3.

Credentials, profile, region and endpoint are those that boto3 finds in the environment. Without
credentials, requests are not signed: public buckets answer them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from provenance.stores.parts import CONNECTIONS
from provenance.stores.protocol import ObjectStat, changed_object
from provenance.stores.s3_answers import (
    MARK_METADATA,
    ignores_ranges,
    missing_extra,
    place,
    refused,
    status_of,
)
from provenance.stores.s3_upload import S3Upload
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.stores.protocol import Upload

_CHECKSUMS = ("CRC64NVME", "SHA256", "SHA1", "CRC32C", "CRC32")
_READ_ATTEMPTS = 5


class S3Storage:
    """S3 and what speaks its protocol.

    Raises:
        InputError: boto3 is not installed, or finds a profile or an endpoint that it cannot use.
    """

    def __init__(self) -> None:
        self.client = _client()

    def stat(self, url: str) -> ObjectStat | None:
        """Return what is at ``url``, or None."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = place(url)
        try:
            found = self.client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if status_of(error) == 404 and self._has_bucket(url, bucket):
                return None
            raise refused(url, error) from error
        except BotoCoreError as error:
            raise refused(url, error) from error
        return ObjectStat(
            url=url,
            size=int(found["ContentLength"]),
            etag=found["ETag"],
            version_id=_version(found),
            checksum=next(
                (f"{n}:{found[f'Checksum{n}']}" for n in _CHECKSUMS if f"Checksum{n}" in found),
                None,
            ),
            modified_ns=int(found["LastModified"].timestamp() * 1e9),
            token=found.get("Metadata", {}).get(MARK_METADATA),
        )

    def read(self, stat: ObjectStat, start: int, stop: int) -> bytes:
        """Return the bytes of an object from ``start`` up to ``stop``, all of them."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from urllib3.exceptions import HTTPError

        if start == stop:
            return b""
        bucket, key = place(stat.url)
        failure: Exception | None = None
        for _ in range(_READ_ATTEMPTS):
            try:
                answer = self.client.get_object(
                    Bucket=bucket, Key=key, Range=f"bytes={start}-{stop - 1}", IfMatch=stat.etag
                )
                if answer["ETag"] != stat.etag:
                    raise changed_object(stat.url)
                if answer["ContentLength"] != stop - start:
                    answer["Body"].close()
                    raise ignores_ranges(stat.url)
                data: bytes = answer["Body"].read()
            except ClientError as error:
                if status_of(error) in (404, 412, 416):
                    raise changed_object(stat.url) from error
                raise refused(stat.url, error) from error
            except (HTTPClientError, HTTPError) as error:
                failure = error  # boto3 retries a request, but not the rest of its answer
            except BotoCoreError as error:
                raise refused(stat.url, error) from error
            else:
                return data
        assert failure is not None
        raise refused(stat.url, failure) from failure

    def below(self, url: str) -> Iterator[ObjectStat]:
        """Yield the objects whose URLs begin with ``url`` and a slash, in order."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = place(url)
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"{key}/"
        )
        try:
            for page in pages:
                for found in page.get("Contents", ()):
                    yield ObjectStat(
                        url=f"s3://{bucket}/{found['Key']}",
                        size=int(found["Size"]),
                        etag=found["ETag"],
                        modified_ns=int(found["LastModified"].timestamp() * 1e9),
                    )
        except (BotoCoreError, ClientError) as error:
            raise refused(url, error) from error

    def begin(self, url: str) -> Upload:
        """Begin an upload to ``url``."""
        return S3Upload(self, self.client, url)

    def remove(self, stat: ObjectStat) -> None:
        """Remove an object that a run has just published, to take it back."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = place(stat.url)
        version = {} if stat.version_id is None else {"VersionId": stat.version_id}
        try:
            self.client.delete_object(Bucket=bucket, Key=key, **version)
        except (BotoCoreError, ClientError) as error:
            raise refused(stat.url, error, writing=True) from error

    def _has_bucket(self, url: str, bucket: str) -> bool:
        """Whether there is the bucket: no answer about an object tells."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client.list_objects_v2(Bucket=bucket, MaxKeys=0)
        except ClientError as error:
            # Who may read an object may be barred from listing the bucket.
            return status_of(error) != 404
        except BotoCoreError as error:
            raise refused(url, error) from error
        return True


def _version(found: Any) -> str | None:
    version = found.get("VersionId")
    return None if version in (None, "null") else str(version)


def _client() -> Any:
    try:
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise missing_extra("s3") from None
    try:
        session = boto3.Session()
        unsigned = {} if session.get_credentials() else {"signature_version": UNSIGNED}
        return session.client(
            "s3",
            region_name=session.region_name or "us-east-1",
            config=Config(
                retries={"mode": "standard", "max_attempts": 5},
                max_pool_connections=2 * CONNECTIONS,
                connect_timeout=10,
                # Not all stores know the newest checksums; boto3 sends them by default.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                **unsigned,
            ),
        )
    except (BotoCoreError, ValueError) as error:
        raise InputError(
            f"The environment does not say how to reach s3:// ({type(error).__name__})",
            fix="Check AWS_PROFILE, AWS_ENDPOINT_URL and the files that they refer to",
            code="store.bad-environment",
        ) from None
