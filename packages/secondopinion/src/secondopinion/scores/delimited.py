"""Lines of a name and scores, split from the right: names may contain the separator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from provenance.toolkit import InputError

from secondopinion.scores.columnar import numbers
from secondopinion.scores.rows import ScoreBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from secondopinion.scores.file import ScoreFile


def first_line(file: ScoreFile) -> str:
    """Return the first line of a text file, without byte-order mark and blanks; empty if binary."""
    if b"\0" in file.head:
        return ""
    text = file.head.decode("utf-8", "replace").removeprefix("\ufeff").lstrip("\r\n")
    return text.split("\n", 1)[0].strip()


def read_scores(
    file: ScoreFile, separator: str, *, parts: Sequence[str | None], header: bool
) -> Iterator[ScoreBatch]:
    """Read lines of a name and one score per part.

    Args:
        file: The file.
        separator: The separator of the fields.
        parts: The part that each score belongs to, in the order of the fields.
        header: Whether the first line is one.

    Raises:
        InputError: A line has too few fields, or the file has no scores.
    """
    number, found = 0, 0
    for texts in file.line_arrays():
        lines = pc.utf8_trim_whitespace(texts)
        numbered = pa.array(np.arange(number + 1, number + len(texts) + 1))
        number += len(texts)
        is_row = pc.not_equal(lines, "")
        if header and number == len(texts):
            is_header = pc.equal(numbered, _header_line(lines))
            is_row = pc.and_(is_row, pc.invert(is_header))
        lines, numbered = lines.filter(is_row), numbered.filter(is_row)
        if len(lines):
            found += len(lines)
            yield from _split(lines, numbered, separator, parts, str(file))
    if not found:
        raise InputError(
            "The file has no lines with scores",
            where=str(file),
            fix="Give a file with scores",
            code="scores.no-lines",
        )


def _split(
    lines: pa.StringArray,
    numbered: pa.Int64Array,
    separator: str,
    parts: Sequence[str | None],
    where: str,
) -> Iterator[ScoreBatch]:
    fields = pc.split_pattern(lines, separator, max_splits=len(parts), reverse=True)
    short = pc.less(pc.list_value_length(fields), len(parts) + 1)
    if pc.any(short).as_py():
        at = pc.index(short, True).as_py()
        wanted = "a score" if len(parts) == 1 else f"{len(parts)} scores"
        raise InputError(
            f"The line is not a name and {wanted}: {lines[at].as_py()[:80]!r}",
            where=f"{where}, line {numbered[at].as_py():,}",
            fix="Fix or remove the line",
            code="scores.line-fields",
        )
    # All lines have the same number of fields here, one line after the other.
    starts = np.arange(0, len(fields.values), len(parts) + 1)
    columns = [
        _unquoted(pc.utf8_trim_whitespace(fields.values.take(pa.array(starts + position))))
        for position in range(len(parts) + 1)
    ]
    keys = columns[0]
    for part, texts in zip(parts, columns[1:], strict=True):
        yield ScoreBatch(keys, numbers(texts, part or "score", where), numbered, part=part)


def _header_line(lines: pa.StringArray) -> int:
    """Return the number of the first line that is not blank."""
    return int(pc.index(pc.not_equal(lines, ""), True).as_py()) + 1


def _unquoted(texts: pa.StringArray) -> pa.StringArray:
    """Remove the quotes that spreadsheets put around fields."""
    if not pc.any(pc.starts_with(texts, '"')).as_py():
        return texts
    quoted = pc.match_substring_regex(texts, '^".*"$')
    inner = pc.replace_substring(pc.utf8_slice_codeunits(texts, 1, -1), '""', '"')
    return pc.if_else(quoted, inner, texts)
