"""Score files: parsed from ``[LABEL=]PATH``, and hashed while they are read."""

from __future__ import annotations

import codecs
import glob
import hashlib
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from provenance.record import Digest
from provenance.stores import ObjectPath, as_path
from provenance.toolkit import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labeljoin import Table

HEAD_BYTES = 1 << 16
BLOCK_BYTES = 1 << 20
LOG_SUFFIXES = (".json", ".jsonl", ".ndjson", ".log", ".txt", ".out", ".csv")

_SEPARATOR = re.compile(r"[/\\]")
_GLOB = re.compile(r"[*?\[]")
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class ScoreSpecification:
    """One value of ``--scores``: an optional label, and the files that it names.

    Attributes:
        path: The path, directory or glob pattern as given.
        label: The scorer's name as given before ``=``, or None.
        files: The files behind it, in the order of their names.
    """

    path: str
    label: str | None
    files: tuple[Path, ...]

    @classmethod
    def parse(cls, text: str | os.PathLike[str]) -> ScoreSpecification:
        """Parse ``[LABEL=]PATH``; both may contain ``=``.

        A text that exists as a path, or matches files as a glob pattern, is a path. Otherwise
        the part before the first ``=`` is a label, unless it contains a path separator. If both
        interpretations exist, write ``./`` before the path.

        Args:
            text: A value of ``--scores``.

        Raises:
            InputError: Nothing exists there, or both interpretations do.
        """
        text = os.fspath(text)
        label, separator, rest = text.partition("=")
        is_label = bool(separator and label.strip() and rest) and not _SEPARATOR.search(label)
        whole = _files(text)
        if is_label:
            labelled = _files(rest)
            if whole and labelled:
                raise InputError(
                    f"{text!r} is a file, and with {label!r} as a label so is {rest!r}",
                    fix=f"Write ./{text} or {label}=./{rest}",
                    code="scores.ambiguous-path",
                )
            if labelled:
                return cls(rest, label.strip(), labelled)
            if not whole:
                raise _absent(rest)
        if not whole:
            raise _absent(text)
        return cls(text, None, whole)


def relocated(text: str, base: Path) -> str:
    """Return ``[LABEL=]PATH`` with the path relative to ``base``, by the rules of parsing.

    Args:
        text: A value as for ``--scores``, or any path.
        base: The folder that relative paths start from.
    """
    label, separator, rest = text.partition("=")
    if separator and not _SEPARATOR.search(label) and not _files(str(base / text)):
        moved = str(base / rest)
        if _files(moved):
            return f"{label}={moved}"
    return str(base / text)


@dataclass
class ScoreFile:
    """One file of scores, as its reader sees it.

    Attributes:
        path: The file.
        label: The scorer's name as given with the file, or None.
        table: A data frame instead of a file; ``path`` is its name then.
    """

    path: Path
    label: str | None = None
    table: Table | None = None
    digest: Digest | None = field(default=None, init=False)

    def __str__(self) -> str:
        return str(self.path)

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB, converted to UTF-8 if a byte-order mark says that it is UTF-16."""
        raw = self._read_at(0, HEAD_BYTES)
        for mark, encoding in _ENCODINGS:
            if raw.startswith(mark):
                decoder = codecs.getincrementaldecoder(encoding)("replace")
                return decoder.decode(raw).encode()
        return raw

    @cached_property
    def tail(self) -> bytes:
        """The last 64 KiB, decoded like :attr:`head`; :attr:`head` itself for a short file."""
        size = self.size
        if size <= HEAD_BYTES:
            return self.head
        raw = self._read_at(size - HEAD_BYTES, HEAD_BYTES)
        return raw.decode(self.encoding, "replace").encode() if self._is_utf16 else raw

    @cached_property
    def size(self) -> int:
        """The file's size in bytes."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise _unreadable(self.path, error) from error

    @property
    def encoding(self) -> str:
        """The text encoding: UTF-8, or the one that a byte-order mark states."""
        raw = self._read_at(0, 4)
        return next((name for mark, name in _ENCODINGS if raw.startswith(mark)), "utf-8")

    @property
    def clip(self) -> str:
        """The clip that a file of one clip is named after: the file name without a log's suffix."""
        name = self.path.name
        suffix = self.path.suffix
        return name[: -len(suffix)] if suffix.lower() in LOG_SUFFIXES and name != suffix else name

    def blocks(self) -> Iterator[str]:
        """Yield the text in blocks of about a MiB; ``digest`` is set after the last one.

        Raises:
            InputError: The file cannot be read, or is not text.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)()
        state, size = hashlib.sha256(), 0
        try:
            with self.path.open("rb", buffering=0) as stream:
                while block := stream.read(BLOCK_BYTES):
                    state.update(block)
                    size += len(block)
                    yield decoder.decode(block)
                yield decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise InputError(
                f"The file is not text in {self.encoding.removesuffix('-sig').upper()} "
                f"({error.reason} in the {size:,} bytes read)",
                where=str(self.path),
                fix="Save it as UTF-8, or check that it is a file of scores",
                code="scores.not-text",
            ) from None
        except OSError as error:
            raise _unreadable(self.path, error) from error
        self.digest = Digest(state.hexdigest(), size)

    def lines(self) -> Iterator[list[str]]:
        """Yield the lines without their ends, a list for each block.

        Raises:
            InputError: The file cannot be read, or is not text.
        """
        rest = ""
        for block in self.blocks():
            text = rest + block
            complete, newline, rest = text.rpartition("\n")
            if newline:
                yield complete.split("\n")
        if rest:
            yield [rest]

    def line_arrays(self) -> Iterator[pa.StringArray]:
        """Yield the lines with their ends, an Arrow array for each block.

        Raises:
            InputError: The file cannot be read, or is not text.
        """
        rest = b""
        for block in self.blocks():
            data = rest + block.encode()
            end = data.rfind(b"\n") + 1
            if end:
                yield _lines(data[:end])
            rest = data[end:]
        if rest:
            yield _lines(rest + b"\n")

    def text(self, limit: int) -> str:
        """Return the whole text of a small file of one clip.

        Args:
            limit: How many characters to read at most.

        Raises:
            InputError: The file is longer, cannot be read, or is not text.
        """
        text = ""
        for block in self.blocks():
            text += block
            if len(text) > limit:
                raise InputError(
                    f"The log of one clip is longer than {limit >> 20} MiB",
                    where=str(self.path),
                    fix="Keep one log per clip",
                    code="scores.long-log",
                )
        return text

    @cached_property
    def _is_utf16(self) -> bool:
        return self.encoding == "utf-16"

    def _read_at(self, offset: int, size: int) -> bytes:
        try:
            with self.path.open("rb") as stream:
                stream.seek(offset)
                return stream.read(size)
        except OSError as error:
            raise _unreadable(self.path, error) from error


def _lines(data: bytes) -> pa.StringArray:
    """Split UTF-8 into lines with their ends; the Arrow array shares the bytes."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    offsets = pa.array(np.concatenate(([0], ends))).cast(pa.int32())
    return pa.StringArray.from_buffers(len(ends), offsets.buffers()[1], pa.py_buffer(data))


def _files(text: str) -> tuple[Path, ...]:
    """Return the files of a path, a directory or a glob pattern; empty if nothing exists."""
    try:
        path = as_path(text)
        if path.is_dir():
            inside = sorted(entry for entry in path.iterdir() if _counts(entry))
            if not inside:
                raise InputError(
                    "This directory has no score files",
                    where=text,
                    fix="Name another one",
                    code="scores.empty-directory",
                )
            return tuple(inside)
        if path.exists():
            if isinstance(path, ObjectPath):
                path.fetch_all()
            return (path,)
        if _GLOB.search(text):
            found = (Path(name) for name in glob.glob(text, recursive=True))  # noqa: PTH207
            return tuple(sorted(entry for entry in found if _counts(entry)))
    except (OSError, ValueError):  # a name that is too long or contains NUL is not a path
        return ()
    return ()


def _counts(entry: Path) -> bool:
    return entry.name[0] not in "._" and entry.is_file()


def _absent(text: str) -> InputError:
    if _GLOB.search(text):
        return InputError(
            "No file matches this pattern",
            where=text,
            fix="Check the pattern",
            code="scores.no-match",
        )
    return InputError(
        "This score file does not exist",
        where=text,
        fix="Check the path given to --scores",
        code="scores.not-found",
    )


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"The file cannot be read ({error.strerror or error})",
        where=str(path),
        fix="Check the path and its permissions",
        code="scores.unreadable",
    )
