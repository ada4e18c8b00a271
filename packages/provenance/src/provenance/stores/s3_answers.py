"""What S3 answers, and what to say of it."""

from __future__ import annotations

from typing import Any

from provenance.stores.protocol import missing_object
from provenance.toolkit import InputError, MoskitError, OutputError

MARK_METADATA = "moskit-upload"
"""Metadata of an object: the token of the upload that wrote it."""


def place(url: str) -> tuple[str, str]:
    """Return the bucket and the key of a URL."""
    bucket, _, key = url.partition("://")[2].partition("/")
    return bucket, key


def status_of(error: Any) -> int:
    """Return the HTTP status of an answer that boto3 raises."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: Any) -> str:
    """Return the code of an answer that boto3 raises."""
    return str(error.response.get("Error", {}).get("Code", ""))


def refused(url: str, error: Exception, *, writing: bool = False) -> MoskitError:
    """Return the error that says why a store did not do what it was asked.

    What the store answered is not quoted: it may name keys and signatures.
    """
    from botocore.exceptions import ClientError

    bucket, _ = place(url)
    if not isinstance(error, ClientError):
        return InputError(
            f"The store cannot be reached ({type(error).__name__})",
            where=url,
            fix="Check the network, and the endpoint, the profile and the credentials in the "
            "environment",
            code="store.unreachable",
        )
    status, code = status_of(error), code_of(error)
    if code == "NoSuchKey":
        return missing_object(url)
    if status == 404:
        return InputError(
            f"There is no bucket {bucket}",
            where=url,
            fix="Check the URL, and the endpoint in the environment",
            code="store.no-bucket",
        )
    return _not_written(url, status, code) if writing else _not_read(url, status, code)


def _not_read(url: str, status: int, code: str) -> InputError:
    if status in (401, 403):
        return InputError(
            "The store denies access to read it",
            where=url,
            fix="Check the credentials in the environment, and what they permit",
            code="store.read-denied",
        )
    return InputError(
        f"The store does not answer the request ({code or status})",
        where=url,
        fix="Try again later, or ask who runs the store",
        code="store.read-refused",
    )


def _not_written(url: str, status: int, code: str) -> OutputError:
    if status in (401, 403):
        return OutputError(
            "The store denies access to write it",
            where=url,
            fix="Check the credentials in the environment, and what they permit",
            code="store.write-denied",
        )
    return OutputError(
        f"The store refuses the upload ({code or status})",
        where=url,
        fix="Try again later, or ask who runs the store",
        code="store.write-refused",
    )


def ignores_ranges(url: str) -> InputError:
    """Return the error for a store that answers more or less than was asked for."""
    return InputError(
        "The store answers a request for a range with other bytes than were asked for",
        where=url,
        fix="Copy the object to this machine first",
        code="store.ignores-ranges",
    )


def missing_extra(name: str) -> InputError:
    """Return the error for a store whose library is not installed."""
    scheme = {"gcs": "gs", "azure": "az"}.get(name, name)
    return InputError(
        f"{scheme}:// needs a library that is not installed",
        fix=f"Install it with: pip install 'moskit-labeljoin[{name}]'",
        code="store.not-installed",
    )
