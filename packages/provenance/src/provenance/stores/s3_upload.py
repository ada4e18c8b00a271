"""An object on its way into S3: in parts that are checked, completed last, or aborted."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from provenance.stores.parts import CONNECTIONS, LEAST_PART, MIB, cut, downloaded
from provenance.stores.protocol import CannotCopyError, ObjectStat, Storage, changed_object
from provenance.stores.s3_answers import MARK_METADATA, code_of, place, refused, status_of
from provenance.toolkit import MoskitError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

_COPIED_PART = 256 * MIB
_SENT_PART = 16 * MIB
_MOST_COPIED, _MOST_SENT = 9_000, 900
_UNKNOWN = (400, 404, 405, 501)
"""How servers answer a request that they do not know."""


class S3Upload:
    """An object on its way: a multipart upload, or one small request.

    Args:
        storage: The store.
        client: The client of boto3.
        url: Where the object will be.
    """

    def __init__(self, storage: Storage, client: Any, url: str) -> None:
        self._storage = storage
        self._client = client
        self._url = url
        self._bucket, self._key = place(url)
        self._token = secrets.token_hex(16)
        self._upload: str | None = None
        self._parts: dict[int, tuple[str, int]] = {}
        self._small: bytes | None = None

    def copy(self, source: ObjectStat, size: int) -> None:
        """Let the store itself put the first ``size`` bytes of an object in front."""
        if size < LEAST_PART:
            raise CannotCopyError("the object is smaller than a part may be")
        ranges = cut(0, size, _COPIED_PART, _MOST_COPIED)
        bucket, key = place(source.url)
        where: dict[str, str] = {"Bucket": bucket, "Key": key}
        if source.version_id is not None:
            where["VersionId"] = source.version_id

        def copy_part(number: int, span: tuple[int, int]) -> str:
            answer = self._client.upload_part_copy(
                **self._names,
                PartNumber=number,
                CopySource=where,
                CopySourceRange=f"bytes={span[0]}-{span[1] - 1}",
                CopySourceIfMatch=source.etag,
            )
            return str(answer.get("CopyPartResult", {}).get("ETag") or "")

        from botocore.exceptions import ClientError

        self._begin()
        try:
            self._all(copy_part, ranges)
            self._refuse_wrong_parts()
        except ClientError as error:
            if status_of(error) == 412:
                raise changed_object(source.url) from error
            if status_of(error) in _UNKNOWN and code_of(error) not in ("NoSuchKey", "NoSuchBucket"):
                self.abort()
                raise CannotCopyError("the store does not copy parts of objects") from error
            raise refused(self._url, error, writing=True) from error
        except _WrongPartError as error:
            self.abort()
            raise CannotCopyError("the store copies other bytes than it is asked for") from error

    def stream(self, source: ObjectStat, size: int) -> Iterator[bytes]:
        """Download the first ``size`` bytes of an object, upload them, and yield them in order."""
        self._begin()
        held = bytearray()
        # The last part of this range must be as large as the others: more may follow.
        edges = [last for _, last in cut(0, size, _SENT_PART, _MOST_COPIED)]
        position = 0
        with ThreadPoolExecutor(CONNECTIONS, "upload") as pool:
            sent: list[tuple[int, Future[str]]] = []
            for start, data in downloaded(self._storage, source, [(0, size)]):
                held += data
                end = start + len(data)
                while edges and end >= edges[0]:
                    stop = edges.pop(0)
                    part = bytes(held[: stop - position])
                    del held[: stop - position]
                    position = stop
                    number = len(sent) + 1
                    sent.append((len(part), pool.submit(self._send, number, part)))
                    if number > CONNECTIONS:  # no more is held in memory
                        sent[number - CONNECTIONS - 1][1].result()
                yield data
            for number, (length, future) in enumerate(sent, 1):
                self._parts[number] = (future.result(), length)

    def write(self, path: Path, start: int) -> None:
        """Add the bytes of a local file from ``start`` on, which end the object."""
        size = path.stat().st_size - start
        if self._upload is None and size <= _SENT_PART:
            with path.open("rb") as file:
                file.seek(start)
                self._small = file.read()
            return
        self._begin()
        stop = start + size
        ranges = cut(start, stop, _SENT_PART, _MOST_SENT) if size >= LEAST_PART else [(start, stop)]

        def send_part(number: int, span: tuple[int, int]) -> str:
            with path.open("rb") as file:
                file.seek(span[0])
                return self._send(number, file.read(span[1] - span[0]))

        self._guarded(lambda: self._all(send_part, ranges))

    def publish(self, replaced: ObjectStat | None) -> ObjectStat:
        """Let the object appear whole."""
        only = {"IfNoneMatch": "*"} if replaced is None else {"IfMatch": replaced.etag}
        size = self._complete(replaced, only)
        found = self._storage.stat(self._url)
        if found is None or found.size != size or found.token != self._token:
            raise OutputError(
                f"The store says that it has the object, and shows another one ({size} bytes were "
                f"sent, {'none' if found is None else found.size} are there)",
                where=self._url,
                fix="Run again; if it happens again, write to another store",
                code="store.wrong-object",
            )
        self._upload = None
        return found

    def abort(self) -> None:
        """Drop what was uploaded."""
        from botocore.exceptions import BotoCoreError, ClientError

        self._small = None
        self._parts = {}
        if self._upload is None:
            return
        try:
            self._client.abort_multipart_upload(**self._names)
        except ClientError as error:
            if status_of(error) != 404:
                return  # the lifecycle rule of the bucket drops it
        except BotoCoreError:
            return
        self._upload = None

    @property
    def _names(self) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._key, "UploadId": self._upload}

    def _begin(self) -> None:
        if self._upload is not None:
            return
        answer = self._guarded(
            lambda: self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._key, Metadata={MARK_METADATA: self._token}
            )
        )
        self._upload = answer["UploadId"]

    def _send(self, number: int, data: bytes) -> str:
        answer = self._client.upload_part(**self._names, PartNumber=number, Body=data)
        return str(answer["ETag"])

    def _all(
        self, work: Callable[[int, tuple[int, int]], str], ranges: Iterable[tuple[int, int]]
    ) -> None:
        """Make parts of ranges, behind those that are there, several at a time."""
        spans = dict(enumerate(ranges, len(self._parts) + 1))
        pool = ThreadPoolExecutor(CONNECTIONS, "upload")
        try:
            etags = pool.map(work, spans, spans.values())
            for (number, (start, stop)), etag in zip(spans.items(), etags, strict=True):
                self._parts[number] = (etag, stop - start)
        finally:
            pool.shutdown(cancel_futures=True)

    def _refuse_wrong_parts(self) -> None:
        """Compare the parts that the store has with what it was asked for."""
        pages = self._client.get_paginator("list_parts").paginate(**self._names)
        stored = {
            int(part["PartNumber"]): (str(part["ETag"]), int(part["Size"]))
            for page in pages
            for part in page.get("Parts", ())
        }
        for number, (etag, size) in self._parts.items():
            if not etag or stored.get(number, ("", -1))[1] != size:
                raise _WrongPartError

    def _complete(self, replaced: ObjectStat | None, only: dict[str, str]) -> int:
        """Publish on a condition, or without one where the store knows none; return the size."""
        from botocore.exceptions import BotoCoreError, ClientError

        for condition in (only, {}):
            try:
                return self._complete_once(condition)
            except ClientError as error:
                if status_of(error) in (409, 412):
                    raise self._taken() from error
                if code_of(error) == "NoSuchUpload" and self._is_published():
                    return sum(size for _, size in self._parts.values())
                if status_of(error) == 501 and condition:
                    now = self._storage.stat(self._url)
                    if (now and now.etag) != (replaced and replaced.etag):
                        raise self._taken() from error
                    continue
                raise refused(self._url, error, writing=True) from error
            except _WrongPartError:
                raise OutputError(
                    "The store lost a part of what was uploaded",
                    where=self._url,
                    fix="Run again",
                    code="store.lost-part",
                ) from None
            except BotoCoreError as error:
                raise refused(self._url, error, writing=True) from error
        raise AssertionError("a store that knows no conditions refuses one")

    def _complete_once(self, condition: dict[str, str]) -> int:
        if self._upload is None:
            data = self._small or b""
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=data,
                Metadata={MARK_METADATA: self._token},
                **condition,
            )
            return len(data)
        self._refuse_wrong_parts()
        parts = [{"PartNumber": n, "ETag": etag} for n, (etag, _) in sorted(self._parts.items())]
        self._client.complete_multipart_upload(
            **self._names, MultipartUpload={"Parts": parts}, **condition
        )
        return sum(size for _, size in self._parts.values())

    def _is_published(self) -> bool:
        """Whether a lost answer was one of success: boto3 has asked again, and was refused."""
        with suppress(MoskitError):
            found = self._storage.stat(self._url)
            return found is not None and found.token == self._token
        return False

    def _taken(self) -> OutputError:
        return OutputError(
            "Another program wrote it while this run was at work",
            where=self._url,
            fix="Look at what is there, and run again to replace it",
            code="store.target-changed",
        )

    def _guarded(self, work: Callable[[], Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return work()
        except (BotoCoreError, ClientError) as error:
            raise refused(self._url, error, writing=True) from error


class _WrongPartError(Exception):
    """The store has another part than it was asked for."""
