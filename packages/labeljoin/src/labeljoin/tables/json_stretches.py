"""Stretches of a JSONL file: blocks in a row whose keys are looked up together.

A block holds some hundred lines, and a call costs Arrow as much for them as for thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from labeljoin.tables.json_blocks import Block, KeyDecoder, block_keys

if TYPE_CHECKING:
    import pyarrow as pa

STRETCH_BLOCKS = 4


class Stretch(NamedTuple):
    """Consecutive blocks of a file.

    ``keys`` are those of all their lines, text and dictionary-encoded, null where a line has none;
    it is None for a block that must be looked at line by line, which is a stretch alone.
    """

    blocks: list[Block]
    keys: pa.DictionaryArray | None


def stretches(blocks: Iterable[Block], decoder: KeyDecoder) -> Iterator[Stretch]:
    """Gather blocks whose lines are all plain objects without a member that ``decoder`` refuses."""
    plain: list[Block] = []
    keys: list[str | None] = []
    for block in blocks:
        found = _plain_keys(block, decoder)
        if found is not None:
            plain.append(block)
            keys += found
        if plain and (found is None or len(plain) == STRETCH_BLOCKS):
            yield Stretch(plain, _encoded(keys))
            plain, keys = [], []
        if found is None:
            yield Stretch([block], None)
    if plain:
        yield Stretch(plain, _encoded(keys))


def _plain_keys(block: Block, decoder: KeyDecoder) -> list[str | None] | None:
    if block.braces is None:
        return None
    keys = block_keys(decoder, block.data)
    return keys if keys is not None and len(keys) == len(block.braces) else None


def _encoded(keys: list[str | None]) -> pa.DictionaryArray:
    import pyarrow as pa

    return pa.array(keys, pa.string()).dictionary_encode()
