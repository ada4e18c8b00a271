"""The one door to onnxruntime: sessions that report to nobody and leave the threads to us."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime


def open_session(data: bytes) -> onnxruntime.InferenceSession:
    """Open a model that was judged before.

    Official builds of onnxruntime from 1.29 on send usage events to their maker and keep a device
    identifier in the home folder, from the import on. moskit works offline and writes nothing but
    what it was asked for, so that is turned off, unless the environment decides otherwise
    (``ORT_DISABLE_TELEMETRY=0``) or the process has imported onnxruntime already.

    Raises:
        Exception: The runtime refuses the model; it has no common class for that.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its complaints reach people as our error
    # Blocks of rows run side by side instead: see moshead.predict.blocks.
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
