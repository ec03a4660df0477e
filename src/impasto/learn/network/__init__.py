"""The networks that paint, in torch, and their way to ONNX and back."""
