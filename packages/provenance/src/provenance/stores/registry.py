"""Which class serves the URLs of which scheme."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from provenance.toolkit import InputError

if TYPE_CHECKING:
    from provenance.stores.protocol import Storage

SCHEMES = ("s3", "gs", "az")
"""The schemes of object stores."""


def storage_of(url: str) -> Storage:
    """Return the store that a URL is in.

    Raises:
        InputError: The library that reaches it is not installed.

    Examples:
        >>> try:
        ...     storage_of("ftp://host/table.parquet")
        ... except InputError as error:
        ...     error.code
        'store.not-yet'
    """
    return _storage(url.partition("://")[0])


@cache
def _storage(scheme: str) -> Storage:
    if scheme == "s3":
        from provenance.stores.s3 import S3Storage

        return S3Storage()
    raise InputError(
        f"moskit does not read or write {scheme}:// yet",
        where=f"{scheme}://",
        fix="Copy the table to this machine or to S3 first",
        code="store.not-yet",
    )
