"""Sessions of onnxruntime: without telemetry, and with one thread each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime


def open_session(data: bytes) -> onnxruntime.InferenceSession:
    """Open a model that has been checked.

    Official builds of onnxruntime since 1.29 send usage events and store a device identifier in
    the home folder as soon as they are imported. moskit works offline and writes only its outputs,
    so it turns telemetry off. Set ``ORT_DISABLE_TELEMETRY=0`` to keep it. It also stays on if the
    process imported onnxruntime before.

    Raises:
        Exception: The runtime refuses the model; onnxruntime has no common class for these errors.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # users see its messages in our error
    # Blocks of rows run side by side instead: see moshead.predict.blocks.
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
