"""Trees and network in one ONNX graph: features in, one calibrated logit per window out.

Written node by node: no converter is needed, the file holds what is used and nothing else.
"""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.synthesis.voice import trees
from training.synthesis.voice.network import Network

_OPSET, _ML_OPSET, _IR = 17, 3, 8
_CLIP = 4.0


def write(booster: lightgbm.Booster, network: Network, mix: NDArray[np.float64], path: Path) -> None:
    """Write ``values`` float32[T, F] -> ``logit``, ``trees``, ``network``, each float32[T, 1].

    Args:
        booster: the trees.
        network: the network.
        mix: float64[3]: logit = mix[0] · trees + mix[1] · network + mix[2].
        path: the file.
    """
    constants = {
        "centre": network.centre,
        "scale": network.scale,
        "low": np.float32(-_CLIP),
        "high": np.float32(_CLIP),
        "mix_trees": np.float32(mix[0]),
        "mix_network": np.float32(mix[1]),
        "mix_bias": np.float32(mix[2]),
    }
    nodes = [
        trees.node(booster, "values", "trees"),
        helper.make_node("IsNaN", ["values"], ["missing"]),
        helper.make_node("Where", ["missing", "centre", "values"], ["filled"]),
        helper.make_node("Sub", ["filled", "centre"], ["moved"]),
        helper.make_node("Div", ["moved", "scale"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "low", "high"], ["layer_0"]),
    ]
    last = len(network.layers)
    for k, (weight, bias) in enumerate(network.layers, start=1):
        constants[f"weight_{k}"], constants[f"bias_{k}"] = weight, bias
        out = "network" if k == last else f"sum_{k}"
        nodes.append(helper.make_node("Gemm", [f"layer_{k - 1}", f"weight_{k}", f"bias_{k}"], [out]))
        if k != last:
            nodes.append(helper.make_node("Relu", [out], [f"layer_{k}"]))
    nodes += [
        helper.make_node("Mul", ["trees", "mix_trees"], ["part_trees"]),
        helper.make_node("Mul", ["network", "mix_network"], ["part_network"]),
        helper.make_node("Add", ["part_trees", "part_network"], ["parts"]),
        helper.make_node("Add", ["parts", "mix_bias"], ["logit"]),
    ]
    width = network.centre.size
    graph = helper.make_graph(
        nodes,
        "voice-synthesis",
        [helper.make_tensor_value_info("values", TensorProto.FLOAT, ["windows", width])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["windows", 1])
            for name in ("logit", "trees", "network")
        ],
        [numpy_helper.from_array(np.asarray(array, np.float32), name) for name, array in constants.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)],
        producer_name="rightscan",
        ir_version=_IR,
    )
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
