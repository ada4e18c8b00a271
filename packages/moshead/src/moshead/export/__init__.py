"""A head on disk: ONNX file, manifest, model card and registry."""
