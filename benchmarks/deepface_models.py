"""The site's own two models as deepface wants them: `python -m benchmarks.deepface_models FOLDER` (needs `onnx`).

deepface takes its models from the network at the first use, or from DEEPFACE_HOME, which is then FOLDER. onnxruntime
does not run the block-quantised SFace, so its weights are turned back into the 32-bit numbers that they stand for.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceauth.vision import networks

Floats = NDArray[np.float32]


def main() -> None:
    folder = Path(sys.argv[1]) / ".deepface" / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "face_detection_yunet_2023mar.onnx").write_bytes(networks.model_bytes(networks.DETECTOR))
    sface = with_plain_weights(networks.model_bytes(networks.RECOGNISER))
    (folder / "face_recognition_sface_2021dec.onnx").write_bytes(sface)


def with_plain_weights(model: bytes) -> bytes:
    """The same network without DequantizeLinear: its results are stored instead."""
    onnx: Any = importlib.import_module("onnx")
    made = onnx.load_from_string(model)
    graph = made.graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "DequantizeLinear"]:
        told = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        weights = dequantized([stored[name] for name in node.input if name], told.get("axis", 1), told["block_size"])
        graph.initializer.append(onnx.numpy_helper.from_array(weights, node.output[0]))
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for given in [one for one in graph.input if one.name != "data"]:
        graph.input.remove(given)
    for weight in [one for one in graph.initializer if one.name not in used]:
        graph.initializer.remove(weight)
    return bytes(made.SerializeToString())


def dequantized(values: list[NDArray[Any]], axis: int, block: int) -> Floats:
    """(x - zero) * scale, where each `block` along the axis has a zero and a scale (ONNX, DequantizeLinear 21)."""
    weights, *rest = (one.astype(np.float32) for one in values)
    scale, zero = (np.repeat(one, block, axis).take(range(weights.shape[axis]), axis) for one in rest)
    return np.asarray((weights - zero) * scale, np.float32)


if __name__ == "__main__":
    main()
