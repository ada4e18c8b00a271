"""Arrow columns from numpy arrays without pyarrow's own converters.

``pa.array`` and ``pa.scalar`` import pandas wherever it is installed, which would treble the
start-up time of ``moshead predict``. Buffers do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray


def float_column(values: NDArray[Any]) -> pa.Array:
    """A float64 column that shares the memory of ``values``, (N,)."""
    column = np.ascontiguousarray(values, dtype=np.float64)
    return pa.Array.from_buffers(pa.float64(), len(column), [None, pa.py_buffer(column)])


def repeated_text(word: str, rows: int) -> pa.Array:
    """A string column of one word in every row."""
    data = word.encode()
    offsets = np.arange(rows + 1, dtype=np.int32) * len(data)
    return pa.Array.from_buffers(
        pa.string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(data * rows)]
    )


def is_number(kind: pa.DataType) -> bool:
    """Whether a column holds integers or floats."""
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
