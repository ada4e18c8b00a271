"""The head: its weights, how they are fitted, its intervals and its ONNX graph."""
