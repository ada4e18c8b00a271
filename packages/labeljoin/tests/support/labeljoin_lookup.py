"""Columns that tests attach; a module of its own, so that other processes can import it."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

ADDED = ["mos", "status", "frames"]


@dataclass
class Lookup:
    """Columns from the length of a key: enough to see that each row got its own."""

    encoded: bool = False
    names: tuple[str, ...] = tuple(ADDED)
    metadata: bool = False

    @property
    def schema(self):
        direction = {"moskit.direction": "higher"} if self.metadata else None
        kinds = [pa.float64(), pa.string(), pa.int64()]
        return pa.schema(
            [
                pa.field(name, kind, metadata=direction)
                for name, kind in zip(self.names, kinds, strict=True)
            ]
        )

    def __call__(self, values):
        if not self.encoded:
            return self._columns(values.to_pylist())
        rows = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        distinct = self._columns([*rows.dictionary.to_pylist(), None])
        indices = pc.fill_null(rows.indices, len(rows.dictionary))
        columns = []
        for column in distinct.columns:
            unique = column.dictionary_encode()
            columns.append(
                pa.DictionaryArray.from_arrays(unique.indices.take(indices), unique.dictionary)
            )
        return pa.record_batch(columns, names=self.schema.names)

    def _columns(self, keys):
        rows = [label_of(key) for key in keys]
        columns = [
            pa.array([row[number] for row in rows], field.type)
            for number, field in enumerate(self.schema)
        ]
        return pa.record_batch(columns, names=self.schema.names)


def embedded(digest):
    """A run record: the digest alone."""
    return digest.sha256.encode()


def label_of(key):
    text = "" if key is None else str(key)
    return (
        None if key is None else len(text) + 0.5,
        "missing-label" if key is None else f"ok {text[-1:]}",
        len(text),
    )


def expected(table, key="key"):
    """``table`` with the columns of a :class:`Lookup`."""
    rows = [label_of(value) for value in table[key].to_pylist()]
    for number, field in enumerate(Lookup().schema):
        column = pa.array([row[number] for row in rows], field.type)
        table = table.append_column(field.name, column)
    return table
